"""The pages, in the order of the argument. `DOCUMENTS` is every document that the site can open in Python."""

from explainer.views.page import documents
from pages import attention

CHAPTERS = [attention.PAGE]
DOCUMENTS = documents(CHAPTERS)
