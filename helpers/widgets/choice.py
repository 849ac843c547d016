"""A question with some answers, of which one is chosen: a group that arrow keys go through."""

from collections.abc import Mapping

import anywidget
import traitlets

# The radio buttons of ipywidgets have no name in common: to a browser they are no group.
SCRIPT = """
function render({ model, el }) {
  const group = document.createElement("fieldset");
  group.style.cssText = "border: 0; margin: 0; padding: 4px 2px; min-width: 0; line-height: 1.5";
  const question = document.createElement("legend");
  question.style.cssText = "padding: 0; font-weight: 600";
  question.innerHTML = model.get("question");
  group.append(question);
  const name = `choice-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  const buttons = Object.entries(model.get("choices")).map(([key, words]) => {
    const label = document.createElement("label");
    label.style.cssText = "display: flex; gap: 8px; align-items: baseline; padding: 3px 4px";
    const button = document.createElement("input");
    Object.assign(button, { type: "radio", name, value: key });
    // JupyterLab would take an arrow key to another cell.
    button.dataset.lmSuppressShortcuts = "true";
    button.style.cssText = "margin: 0; flex: none; position: relative; top: 1px";
    const text = document.createElement("span");
    text.innerHTML = `${key}) ${words}`;
    label.append(button, text);
    group.append(label);
    button.addEventListener("change", () => {
      model.set("value", key);
      model.save_changes();
    });
    return button;
  });
  // A status is what a screen reader says without being asked.
  const reply = document.createElement("div");
  reply.setAttribute("role", "status");
  reply.style.cssText = "line-height: 1.5; margin-top: 4px";
  const showValue = () => {
    for (const button of buttons) button.checked = button.value === model.get("value");
  };
  const showReply = () => { reply.innerHTML = model.get("reply"); };
  model.on("change:value", showValue);
  model.on("change:reply", showReply);
  showValue();
  showReply();
  el.append(group, reply);
  return () => {
    model.off("change:value", showValue);
    model.off("change:reply", showReply);
  };
}

export default { render };
"""


class Choice(anywidget.AnyWidget):
    """A question, its answers by their letters, and below them a reply; all three are HTML."""

    _esm = SCRIPT
    question = traitlets.Unicode().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    # The letter that was chosen; empty at first.
    value = traitlets.Unicode("").tag(sync=True)
    reply = traitlets.Unicode("").tag(sync=True)

    def __init__(self, question: str, choices: Mapping[str, str]) -> None:
        super().__init__(question=question, choices=dict(choices))
