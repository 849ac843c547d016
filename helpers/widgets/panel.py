"""The frame that the widgets share: one look, and a picture that stays in the notebook."""

import re
from collections.abc import Sequence

import ipywidgets as widgets

from helpers.widgets.kept import Kept, Picture, display_kept

__all__ = ["Kept", "Panel", "Picture", "display_kept"]

# The colours are those of the theme; only what JupyterLab leaves odd is changed.
STYLE = """<style>
.wb-panel .widget-html > .widget-html-content { line-height: 1.4; min-width: 0; }
.wb-panel .widget-label {
  align-self: center; height: auto; line-height: 1.2; overflow: visible; white-space: normal;
}
.wb-panel code { font-size: 13px; }
.wb-panel small code { font-size: inherit; }
.wb-panel .widget-checkbox input { vertical-align: -2px; }
.wb-panel .wb-code { flex-direction: column; height: auto; }
.wb-panel .wb-code .widget-label { align-self: flex-start; text-align: left; width: auto; }
.wb-panel .wb-code textarea {
  flex: none; width: 100%; box-sizing: border-box; font-size: 12px;
  font-family: var(--jp-code-font-family, monospace); white-space: pre; overflow-x: auto;
}
/* A label above its field. */
.wb-panel .wb-named { flex-direction: column; align-items: stretch; align-self: flex-end; }
.wb-panel .wb-named .widget-label {
  align-self: flex-start; text-align: left; width: auto; line-height: 1.4;
}
.wb-panel .wb-named :is(input, select) { flex: none; width: 100%; height: 28px; }
.wb-panel .wb-named small { font-size: 11px; }
.wb-panel .jp-RenderedHTMLCommon { padding-right: 0; }
.wb-panel .jupyter-widget-tab > .widget-tab-contents { padding: 4px 2px; }
.wb-accept-lab :is(th, td) { padding-left: 0.3em; padding-right: 0.3em; }
/* An arrow in the colour of the text: that of ipywidgets is black in a dark theme, too. */
.wb-panel .widget-dropdown > select {
  background-image: linear-gradient(45deg, transparent 50%, currentColor 50%),
    linear-gradient(135deg, currentColor 50%, transparent 50%);
  background-position: right 11px center, right 6px center;
  background-size: 5px 5px;
}
/* What is too long for one line goes on in the next: a narrow or a magnified page cuts nothing. */
.wb-panel .wb-left {
  text-align: left; height: auto; min-height: 28px; line-height: 1.3; padding: 4px 10px;
  white-space: normal; overflow-wrap: anywhere;
}
.wb-panel .widget-checkbox, .wb-panel .widget-checkbox .widget-label-basic {
  height: auto; white-space: normal; line-height: 1.4;
}
/* Where the keyboard is: ipywidgets forbids the outline, and its own mark is a pale line. */
.wb-panel :is(input:not([type=checkbox]), select, textarea, button):focus-visible {
  outline: 2px solid var(--jp-brand-color1, #1976d2) !important; outline-offset: 1px;
}
/* A palette of the system's own leaves out backgrounds: of these are our arrow and the slider. */
@media (forced-colors: active) {
  .wb-panel .widget-dropdown > select { appearance: auto; }
  .wb-panel .noUi-target { outline: 1px solid; }
}
</style>"""


class Panel(Kept, widgets.VBox):
    """A box of widgets that leaves a picture of itself in the notebook.

    Its CSS class, for style sheets and tests, is that of its own: wb-query-form for QueryForm.
    """

    def __init__(self, children: Sequence[widgets.Widget]) -> None:
        self.style_sheet = widgets.HTML(STYLE, layout=widgets.Layout(display="none"))
        layout = widgets.Layout(width="auto", padding="4px 0")
        super().__init__([self.style_sheet, *children], layout=layout)
        words = re.findall("[A-Z][a-z]*", type(self).__name__)
        self.add_class("wb-panel").add_class("-".join(["wb", *words]).lower())
