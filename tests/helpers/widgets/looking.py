"""What a widget tells: the text in all of its parts, and the requests that code sends."""

import ipywidgets
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output


def all_widgets(widget):
    """Yield a widget and all that it holds."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_widgets(child)


def everything_in(widget):
    """Return all that a widget and its parts send to the browser, and its static picture."""
    states = [str(part.get_state()) for part in all_widgets(widget)]
    return "\n".join([*states, *map(str, widget.static().values()), repr(widget)])


def displayed(value):
    """Show a value as a notebook would; return the data of the outputs."""
    InteractiveShell.instance()
    try:
        with capture_output() as captured:
            display(value)
    finally:
        InteractiveShell.clear_instance()
    return [output.data for output in captured.outputs]


def run_code(code, server):
    """Run the code of a cell, as a notebook with this server would; return its names."""
    names = {"server": server}
    exec(compile(code, "<cell>", "exec"), names)
    return names


def unnamed_controls(widget):
    """List the controls without a label; a slider never has one that a screen reader finds."""
    kinds = (
        ipywidgets.Text,
        ipywidgets.Textarea,
        ipywidgets.Dropdown,
        ipywidgets.Checkbox,
        ipywidgets.BoundedIntText,
        ipywidgets.BoundedFloatText,
        ipywidgets.FloatText,
        ipywidgets.Button,
        ipywidgets.ToggleButton,
    )
    return [p for p in all_widgets(widget) if isinstance(p, kinds) and not p.description]
