"""The other side of the wire: one Bokeh document per open page, and patches to and from it."""
