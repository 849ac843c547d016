"""A button that puts a text on the clipboard: only the browser can do that."""

import anywidget
import ipywidgets as widgets
import traitlets

SCRIPT = """
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page without TLS has no clipboard; an old command has one all the same.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function render({ model, el }) {
  const button = document.createElement("button");
  button.className = "jupyter-widgets jupyter-button widget-button";
  button.style.cssText = "width: auto; min-width: 130px; margin: 2px";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.style.cssText = "position: absolute; width: 1px; height: 1px; overflow: hidden";
  let timer;
  const show = (icon, label) => {
    const picture = document.createElement("i");
    picture.className = `fa fa-${icon}`;
    picture.setAttribute("aria-hidden", "true");
    button.replaceChildren(picture, label);
  };
  const rest = () => show("copy", model.get("label"));
  button.addEventListener("click", async () => {
    await copy(model.get("text"));
    button.focus();
    show("check", "Copied");
    status.textContent = "Copied to the clipboard.";
    clearTimeout(timer);
    timer = setTimeout(() => { rest(); status.textContent = ""; }, 2000);
  });
  rest();
  el.style.position = "relative";
  el.append(button, status);
  return () => clearTimeout(timer);
}

export default { render };
"""


class CopyButton(anywidget.AnyWidget):
    """A button that copies the text of a box of code; the box can be edited before."""

    _esm = SCRIPT
    text = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("Copy the code").tag(sync=True)

    def __init__(self, box: widgets.Textarea) -> None:
        super().__init__(layout=widgets.Layout(width="auto", overflow="visible"))
        traitlets.dlink((box, "value"), (self, "text"))
