"""What is wrong with how a part of a page looks, or how a screen reader would read it."""

import re

from tests.tools import NODE_PACKAGES

# What is wider than its place. A box that the keyboard can scroll is no loss, nor is the beginning
# of a UID whose title is the whole.
CUT_OFF = """node => [...node.querySelectorAll('.jp-OutputArea-output, .jp-MarkdownOutput')]
    .flatMap(output => [output, ...output.querySelectorAll('*')])
    .filter(element => element.scrollWidth > element.clientWidth + 1)
    .filter(element => !['visible', 'clip'].includes(getComputedStyle(element).overflowX))
    .filter(element => element.tabIndex < 0 && !element.closest('[title]'))
    .map(element => element.innerText)"""

# What a person must scroll sideways to read: where scroll bars take room, too. Tests hide them.
SIDEWAYS = """node => [...node.querySelectorAll('[role=region], textarea')]
    .filter(box => box.checkVisibility())
    .filter(box => {
        const {width} = box.style;
        box.style.width = `${box.getBoundingClientRect().width - 30}px`;
        const isWider = box.scrollWidth > box.clientWidth;
        box.style.width = width;
        return isWider;
    })
    .map(box => box.value ?? box.innerText)"""

# How much two colours differ, from 1 to 21, as WCAG 2.1 counts it.
CONTRAST = """
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const luminance = colour => {
        const [red, green, blue] = channels(colour).slice(0, 3).map(value => value / 255)
            .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if ((channels(colour)[3] ?? 1) === 1) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const contrast = (...colours) => {
        const [dark, light] = colours.map(luminance).sort((one, other) => one - other);
        return (light + 0.05) / (dark + 0.05);
    };
"""

# Texts whose contrast with what is behind them is below the 4.5 of WCAG 2.1, 1.4.3.
HARD_TO_READ = f"""node => {{
    {CONTRAST}
    const ofText = element => contrast(getComputedStyle(element).color, behind(element));
    const hasText = element => [...element.childNodes]
        .some(child => child.nodeType === Node.TEXT_NODE && child.data.trim());
    return [...node.querySelectorAll('.jp-OutputArea-output *')]
        .filter(element => element.checkVisibility() && hasText(element))
        .filter(element => ofText(element) < 4.5)
        .map(element => `${{ofText(element).toFixed(1)}}: ${{element.innerText}}`);
}}"""

# The mark of the keyboard, against what is around the control; 3 is enough (WCAG 2.1, 1.4.11).
OUTLINE = f"""element => {{
    {CONTRAST}
    const {{outlineStyle, outlineColor}} = getComputedStyle(element);
    return outlineStyle === 'none' ? 1 : contrast(outlineColor, behind(element.parentElement));
}}"""

# Rows of a form: boxes on one height, labels above or on the height of their box, and the first box
# of each row below the first box of the row above.
OUT_OF_LINE = """node => {
    const place = element => element.getBoundingClientRect();
    const height = element => place(element).top + place(element).height / 2;
    const labelOf = box => box.parentElement.querySelector('.widget-label');
    const name = box => labelOf(box)?.innerText ?? box.outerHTML;
    const boxes = [...node.querySelectorAll('.widget-text input, .widget-dropdown select')]
        .filter(box => box.checkVisibility());
    const rows = [];
    for (const box of boxes) {
        const row = rows.find(([first]) => Math.abs(height(first) - height(box)) < 15);
        row ? row.push(box) : rows.push([box]);
    }
    const ticks = [...node.querySelectorAll('.widget-checkbox input')]
        .filter(tick => tick.checkVisibility());
    const besideTick = tick => tick.parentElement.querySelector('span');
    const firsts = rows.map(row => row.toSorted((a, b) => place(a).left - place(b).left)[0]);
    return [
        ...boxes.filter(box => !box.closest('.wb-named'))
            .filter(box => Math.abs(height(labelOf(box)) - height(box)) > 1),
        ...rows.flatMap(row => row.filter(box => Math.abs(height(box) - height(row[0])) > 1)),
        ...firsts.filter(box => Math.abs(place(box).left - place(firsts[0]).left) > 1),
    ].map(name).concat(ticks
        .filter(tick => Math.abs(height(besideTick(tick)) - height(tick)) > 1)
        .map(tick => tick.parentElement.innerText));
}"""

# Text that hides the stripe of the row behind it.
PAINTED = """node => [...node.querySelectorAll('tr pre, tr code')]
    .filter(element => getComputedStyle(element).backgroundColor !== 'rgba(0, 0, 0, 0)')
    .map(element => element.innerText)"""

# What a person can use: all of it, and what of it the Tab key has come by.
USABLE = """node => {
    const kinds = 'button, input, select, textarea, summary, [role=slider], [role=region]';
    const usable = [...node.querySelectorAll(kinds)]
        .filter(element => element.checkVisibility() && !element.disabled);
    const reached = new Set();
    node.addEventListener('focusin', event => reached.add(event.target));
    return {usable, reached};
}"""
NOT_REACHED = """({usable, reached}) => usable.filter(element => !reached.has(element))
    .map(element => element.outerHTML.slice(0, 200))"""

# Each rule of axe-core that a part of the page breaks, if that keeps people out.
BARRIERS = """async node => (await axe.run(node, {resultTypes: ['violations']})).violations
    .filter(({impact}) => ['serious', 'critical'].includes(impact))
    .flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 200)}`))"""

CONTROLS = "button|checkbox|combobox|img|radio|region|spinbutton|tab|textbox"


def cut_off(locator):
    """Return the texts that are wider than their place."""
    return locator.evaluate(CUT_OFF)


def sideways(locator):
    """Return the texts of the boxes that scroll sideways, or would beside two scroll bars."""
    return locator.evaluate(SIDEWAYS)


def out_of_line(locator):
    """Return the labels of the fields that do not stand in line with the others."""
    return locator.evaluate(OUT_OF_LINE)


def painted(locator):
    """Return the code in tables that has a ground of its own."""
    return locator.evaluate(PAINTED)


def out_of_reach(locator):
    """Press Tab from the first control on; return the controls that it does not come by."""
    usable = locator.evaluate_handle(USABLE)
    count = usable.evaluate("({usable}) => { usable[0].focus(); return usable.length; }")
    # Tabs and the like, which the keyboard comes by too, are in between.
    for _ in range(2 * count):
        locator.page.keyboard.press("Tab")
    return usable.evaluate(NOT_REACHED)


def barriers(locator):
    """Return what axe-core finds that keeps people out; it needs the npm package."""
    locator.page.evaluate((NODE_PACKAGES / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    return locator.evaluate(BARRIERS)


def hard_to_read(locator):
    """Return the texts of outputs that have too little contrast, and how much they have."""
    return locator.evaluate(HARD_TO_READ)


def contrast_of_the_outline(locator):
    """Return how much the outline of a control differs from what is around it; 1 without one."""
    return locator.evaluate(OUTLINE)


def nameless(locator):
    """Return the controls and pictures for which a screen reader has no name.

    A slider of ipywidgets has none: each without a name needs a number box that has one.
    """
    lines = [line.strip(" -'") for line in locator.aria_snapshot().splitlines()]
    found = [line for line in lines if re.match(rf'({CONTROLS})\b(?! ")', line)]
    sliders = sum(bool(re.match(r'slider\b(?! ")', line)) for line in lines)
    number_boxes = sum(line.startswith('spinbutton "') for line in lines)
    return found + ["slider"] * (sliders - number_boxes)
