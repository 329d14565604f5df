"""Training of the models behind the pages. Needs the optional extra `train`; nothing of this ships to readers."""
