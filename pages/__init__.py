"""The pages, in the order of the argument. `DOCUMENTS` is every document that can be opened in Python."""

from explainer.views.page import documents
from pages import attention, components, feedback, home, paths, temperature

CHAPTERS = [attention.PAGE, temperature.PAGE, feedback.PAGE, paths.PAGE]
HOME = home.PAGE
COMPONENTS = components.PAGE
PAGES = [HOME, *CHAPTERS, COMPONENTS]
DOCUMENTS = documents(PAGES)
