// The viewer of frames in the browser: what must follow the hand at once.
//
// The kernel fetches and decodes frames and sends their values, once. The window, the zoom and the
// value under the cursor are worked out here, without a request. The model holds what is looked at
// (image, frame, window ...), so Python reads and sets the same; the kernel is told when the hand
// rests.

const KEPT_BYTES = 128e6;
const AHEAD = 10; // frames to have before they are wanted
const AT_ONCE = 2; // frames to ask for in one message: what is urgent must not wait behind more
const REST = 150; // milliseconds
const PATIENCE = 8000; // milliseconds, until an answer is late
const LARGEST_ZOOM = 16;
const OWN = "my own";
const FILE = "file";
const WHITE = 255;
const STOPPED = "The kernel has stopped: run the cell again to go on.";
const LATE = "The kernel does not answer: it is busy, or it has stopped.";
const TYPES = {
  u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array,
  u4: Uint32Array, i4: Int32Array, f4: Float32Array,
};
const KEYS = [
  ["Drag, or Shift + arrows", "window: width to the sides, centre up and down"],
  ["Wheel, Page Up, Page Down, arrows", "next and previous image"],
  ["Home, End", "first and last image"],
  ["Space", "play, pause"],
  ["Ctrl + wheel, two fingers, + and -", "zoom"],
  ["Shift + drag, middle button, arrows", "move, when zoomed"],
  ["1 to 9", "the windows of the list"],
  ["I", "invert"],
  ["V", "value in the middle of the view"],
  ["R", "reset"],
];

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Windows, as helpers/pixels/windows.py has them (PS3.3 C.11.2.1.2, C.11.2.1.3).
function curveOf({ center, width, function: name }) {
  const wide = Math.max(width, 1e-6);
  if (name === "SIGMOID") {
    return (value) => WHITE / (1 + Math.exp(clamp((-4 * (value - center)) / wide, -500, 500)));
  }
  if (name === "LINEAR_EXACT") return (value) => ((value - center) / wide + 0.5) * WHITE;
  if (width > 1) return (value) => ((value - center + 0.5) / (width - 1) + 0.5) * WHITE;
  return (value) => (value - center > -0.5 ? WHITE : 0);
}

function shaderOf(frame, look) {
  const curve = curveOf(look);
  const [from, to] = frame.padding ?? [1, 0];
  return (stored) => {
    const place = stored - frame.low;
    let grey = look.table
      ? frame.greys[place]
      : Math.floor(clamp(curve(meaning(frame, stored)), 0, WHITE) + 0.5);
    if (frame.inverted) grey = WHITE - grey;
    if (stored >= from && stored <= to) grey = 0;
    if (look.invert) grey = WHITE - grey;
    return 0xff000000 | (grey * 0x010101);
  };
}

function meaning(frame, stored) {
  return frame.meant ? frame.meant[stored - frame.low] : stored * frame.slope + frame.intercept;
}

function paint(frame, look, image) {
  const { pixels } = frame;
  const colours = new Uint32Array(image.data.buffer);
  if (frame.kind === "rgb") {
    const flip = look.invert ? 0x00ffffff : 0;
    for (let to = 0, from = 0; to < colours.length; to += 1, from += 3) {
      const colour = (pixels[from + 2] << 16) | (pixels[from + 1] << 8) | pixels[from];
      colours[to] = 0xff000000 | (colour ^ flip);
    }
    return;
  }
  const shade = shaderOf(frame, look);
  if (frame.high === null) {
    for (let k = 0; k < pixels.length; k += 1) colours[k] = shade(pixels[k]);
    return;
  }
  const shades = new Uint32Array(frame.high - frame.low + 1);
  for (let k = 0; k < shades.length; k += 1) shades[k] = shade(k + frame.low);
  for (let k = 0; k < pixels.length; k += 1) colours[k] = shades[pixels[k] - frame.low];
}

function unpack(header, buffers) {
  const [pixels, meant, greys] = [...buffers].map((data) =>
    data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
  return {
    ...header,
    pixels: new (TYPES[header.kind] ?? Uint8Array)(pixels),
    meant: meant?.byteLength ? new Float32Array(meant) : null,
    greys: greys?.byteLength ? new Uint8Array(greys) : null,
    size: pixels.byteLength,
  };
}

// Elements, with their attributes and what is in them.
function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const labelled = (label, ...controls) =>
  make("label", { class: "wbv-field" }, make("span", {}, label), ...controls);

function render({ model, el }) {
  const frames = new Map(); // by their keys, the one that was wanted last at the end
  const problems = new Map();
  const asked = new Set();
  const pointers = new Map();
  // What was done by hand, and the kernel does not know yet: what it says of the time before must
  // not undo that.
  let untold = {};
  // What it was told, with the number of that turn. Once the kernel says that it has heard a turn,
  // nothing that it repeats of an earlier one is still on its way.
  const unheard = new Map();
  let turn = 0;
  const get = (name) => (name in untold ? untold[name]
    : unheard.has(name) ? unheard.get(name).value : model.get(name));
  let isAlive = true;
  let isGone = false;
  let isDue = false;
  let direction = 1;
  let shown = null; // the frame on the canvas
  let painted = ""; // what the canvas shows, to paint only what changed
  let image = null;
  let cursor = null;
  let turned = 0;
  let spoken = {}; // a value that was asked for with a key, and of which picture
  let isEngaged = false;
  let film, resting, late;

  // ---- Where we are -------------------------------------------------------------------------
  const stack = () => get("stacks").find(({ uid }) => uid === get("series_uid")) ?? get("stacks")[0];
  const here = () => ({ image: get("image"), frame: get("frame") });
  const framesOf = (number) => stack().images[number - 1]?.[1] ?? 1;
  const keyOf = ({ image: number, frame: of }) =>
    JSON.stringify([stack().uid, stack().images[number - 1]?.[0], of]);

  function stepped({ image: number, frame: of }, count, isRound) {
    const isFilm = framesOf(number) > 1;
    const last = isFilm ? framesOf(number) : stack().images.length;
    let place = (isFilm ? of : number) + count;
    place = isRound ? ((place - 1 + 8 * last) % last) + 1 : clamp(place, 1, last);
    return isFilm ? { image: number, frame: place } : { image: place, frame: 1 };
  }

  function goTo(place) {
    const values = { ...place, instance_uid: stack().images[place.image - 1][0] };
    if (get("playing")) { // a film does not hinder the kernel to go elsewhere
      model.set(values);
      for (const [name, value] of Object.entries(values)) {
        if (unheard.has(name)) unheard.get(name).value = value;
      }
    } else {
      put(values);
    }
    later();
  }

  function step(count) {
    pause();
    direction = Math.sign(count);
    goTo(stepped(here(), count, false));
  }

  // ---- Frames from the kernel ---------------------------------------------------------------
  function keep(packed, buffers) {
    const key = JSON.stringify(packed.key);
    asked.delete(key);
    if (packed.problem) problems.set(key, packed.problem);
    else frames.set(key, unpack(packed, buffers));
    let kept = [...frames.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [old, { size }] of frames) {
      if (kept <= KEPT_BYTES || old === keyOf(here()) || old === key) break;
      frames.delete(old);
      kept -= size;
    }
    if (!asked.size) clearTimeout(late);
    isAlive = true;
    say("");
    update();
  }

  function askForMore() {
    if (asked.size || !isAlive) return;
    const place = here();
    const isRound = get("playing");
    const wanted = [place];
    for (let k = 1; k <= AHEAD; k += 1) wanted.push(stepped(place, direction * k, isRound));
    for (let k = 1; k <= 2; k += 1) wanted.push(stepped(place, -direction * k, isRound));
    const absent = [...new Set(wanted.map(keyOf))]
      .filter((key) => !frames.has(key) && !problems.has(key));
    if (!absent.length) return;
    const isUrgent = absent[0] === keyOf(place);
    const some = absent.slice(0, isUrgent ? 1 : AT_ONCE);
    some.forEach((key) => asked.add(key));
    late = setTimeout(() => say(LATE), PATIENCE);
    tell(() => model.send({ frames: some.map((key) => JSON.parse(key)) }));
  }

  // A kernel that is gone must not throw: the picture stays, and what was fetched can be seen.
  function tell(action) {
    if (!isAlive) return;
    // JupyterLab says so when a kernel dies or starts again, but not when somebody shuts it down.
    const manager = model.widget_manager;
    if (manager && "kernel" in manager && (!manager.kernel || manager.kernel.isDisposed)) {
      stop();
      return;
    }
    try {
      action();
    } catch {
      stop();
    }
  }

  function stop() {
    isAlive = false;
    clearTimeout(late);
    asked.clear();
    pause();
    say(STOPPED);
  }

  function say(words) {
    if (note.textContent !== words) note.textContent = isAlive ? words : STOPPED;
  }

  // ---- What is done by hand -----------------------------------------------------------------
  function put(values) {
    Object.assign(untold, values);
    model.set(values);
  }

  function lookAt(frame) {
    const name = get("window");
    const named = frame.windows.find((one) => one.name === name);
    const window = named ?? (name === OWN ? null : frame.windows[0]);
    return {
      ...(window ?? { name: OWN, center: get("center"), width: get("width"), function: frame.curve }),
      table: Boolean(window && window.name === FILE && frame.greys),
      invert: get("invert"),
    };
  }

  function chooseWindow(name) {
    const found = shown?.windows.find((one) => one.name === name);
    if (found) put({ window: name, center: found.center, width: found.width });
    else put({ window: OWN });
    atOnce();
  }

  function setWindow(center, width) {
    if (!shown?.windows.length) return;
    const least = lookAt(shown).function === "LINEAR" ? 1 : 0.01;
    const round = (value) => (sensitivity() < 1 ? Math.round(value * 100) / 100 : Math.round(value));
    put({ window: OWN, center: round(center), width: Math.max(least, round(width)) });
    later();
  }

  // So much does a window change with a pixel of a drag: the same feeling for 8 bits and for 16.
  const sensitivity = () => (shown?.windows.at(-1)?.width ?? 256) / 800;

  function zoomTo(wanted, x = 0.5, y = 0.5) {
    const [old, zoom] = [get("zoom"), clamp(wanted, 1, LARGEST_ZOOM)];
    const moved = (share, at) => {
      const left = (1 - 1 / old) * share + at / old - at / zoom;
      return zoom > 1 ? clamp(left / (1 - 1 / zoom), 0, 1) : 0.5;
    };
    put({ zoom, across: moved(get("across"), x), down: moved(get("down"), y) });
    later();
  }

  function pan(right, down) {
    const zoom = get("zoom");
    if (zoom <= 1) return;
    put({
      across: clamp(get("across") - right / (zoom - 1), 0, 1),
      down: clamp(get("down") - down / (zoom - 1), 0, 1),
    });
    later();
  }

  function reset() {
    put({ zoom: 1, across: 0.5, down: 0.5, invert: false });
    if (shown?.windows.length) chooseWindow(shown.windows[0].name);
    else atOnce();
  }

  function invert() {
    put({ invert: !get("invert") });
    atOnce();
  }

  // ---- Playing ------------------------------------------------------------------------------
  function pause() {
    if (!get("playing")) return;
    put({ playing: false });
    atOnce();
  }

  function playOrPause() {
    put({ playing: !get("playing") });
    atOnce();
  }

  function followFilm() {
    if (!get("playing") || isGone) {
      clearTimeout(film);
      film = undefined;
    } else if (film === undefined) {
      film = setTimeout(nextOfFilm, shown?.interval ?? 100);
    }
  }

  function nextOfFilm() {
    film = undefined;
    if (!el.isConnected) pause(); // a cell that was run again took its viewer from the page
    if (!get("playing")) return;
    direction = 1;
    const next = stepped(here(), 1, true);
    if (frames.has(keyOf(next)) || problems.has(keyOf(next))) goTo(next);
    else askForMore();
    followFilm();
  }

  // ---- Telling the kernel, when the hand rests ----------------------------------------------
  function later() {
    update();
    clearTimeout(resting);
    if (!pointers.size) resting = setTimeout(rest, REST);
  }

  // A choice is no movement that goes on: the kernel knows it at once.
  function atOnce() {
    update();
    clearTimeout(resting);
    rest();
  }

  function rest() {
    resting = null;
    if (isGone) return;
    tell(() => {
      const names = Object.keys(untold);
      if (names.length) {
        // Another view of the same viewer may have counted on.
        turn = Math.max(turn, model.get("turn")) + 1;
        names.forEach((name) => unheard.set(name, { value: untold[name], turn }));
        model.set({ ...untold, turn });
        untold = {};
      }
      model.save_changes();
    });
    caption();
  }

  function heard() {
    const place = {};
    for (const [name, one] of unheard) {
      if (one.turn > get("heard")) continue;
      unheard.delete(name);
      if (name === "image" || name === "frame" || name === "instance_uid") place[name] = one.value;
    }
    if (get("playing")) model.set(place); // the film is further than what the kernel repeated
    update();
  }

  // What the kernel says comes at any time, and in the middle of a movement nothing is to be said.
  function captionAtRest() {
    if (!resting && !pointers.size) caption();
  }

  function caption() {
    // While a film plays, a screen reader would not come to an end.
    if (!shown || get("playing")) return;
    status.textContent = spoken.of === words() ? spoken.value : words();
  }

  function words() {
    const { image: number, frame: of } = here();
    const count = framesOf(number);
    const look = lookAt(shown);
    return [
      `Image ${number} of ${stack().images.length}`,
      ...(count > 1 ? [`frame ${of} of ${count}`] : []),
      ...(shown.windows.length ? [`window ${look.center}/${look.width} (${look.label ?? OWN})`] : []),
      ...(look.invert ? ["inverted"] : []),
      ...(get("zoom") > 1 ? [`zoom ${Math.round(get("zoom") * 100)} %`] : []),
    ].join(", ");
  }

  // ---- The page -----------------------------------------------------------------------------
  // Without the last attribute, JupyterLab takes the keys: "0" twice would restart the kernel.
  const canvas = make("canvas", {
    role: "img", tabindex: "0", "aria-label": "No image yet", "data-lm-suppress-shortcuts": "true",
  });
  const context = canvas.getContext("2d");
  const problem = make("div", { class: "wbv-problem", hidden: "" });
  const stage = make("div", { class: "wbv-stage" }, canvas);
  const readout = make("div", { class: "wbv-readout" });
  const note = make("div", { class: "wbv-note", role: "alert" });
  const status = make("div", { class: "wbv-status", role: "status" });
  const request = make("code", { class: "wbv-request" });

  const series = make("select", { onchange: () => {
    pause();
    const next = get("stacks")[series.selectedIndex];
    put({ series_uid: next.uid, instance_uid: next.images[0][0], image: 1, frame: 1 });
    atOnce();
  } });
  const slider = (name) => {
    const input = make("input", { type: "range", min: "1", step: "1", oninput: () => {
      pause();
      const place = name === "image" ? { image: Number(input.value), frame: 1 }
        : { image: get("image"), frame: Number(input.value) };
      goTo(place);
    } });
    return input;
  };
  const [images, ofFilm] = [slider("image"), slider("frame")];
  const [imageCount, frameCount] = [1, 2].map(() => make("span", { class: "wbv-number" }));
  const button = (text, title, action, options = {}) =>
    make("button", { type: "button", title, onclick: action, ...options }, text);
  const play = button("Play", "Play or pause (Space)", playOrPause, { class: "wbv-play" });
  const windows = make("select", { onchange: () => chooseWindow(windows.value) });
  const number = (set) => make("input", { type: "number", step: "any", onchange: set });
  const center = number(() => setWindow(Number(center.value), Number(width.value)));
  const width = number(() => setWindow(Number(center.value), Number(width.value)));
  const inverted = button("Invert", "Black for white (I)", invert, { "aria-pressed": "false" });
  const less = button("\u2212", "Zoom out (-)", () => zoomTo(get("zoom") / 1.25),
    { "aria-label": "Zoom out" });
  const more = button("+", "Zoom in (+)", () => zoomTo(get("zoom") * 1.25),
    { "aria-label": "Zoom in" });
  const zoomed = make("span", { class: "wbv-number" });
  const attributes = make("table");
  const code = make("textarea", { rows: "9", readonly: "", "aria-label": "Python" });
  const folded = (title, ...children) =>
    make("details", {}, make("summary", {}, title), ...children);

  const rows = {
    series: labelled("Series", series),
    image: labelled("Image", images, imageCount),
    frame: labelled("Frame", ofFilm, frameCount),
    window: labelled("Window", windows),
    numbers: make("div", { class: "wbv-row" }, labelled("Centre", center), labelled("Width", width)),
  };
  const buttons = make("div", { class: "wbv-row wbv-buttons" },
    play, inverted, make("span", { class: "wbv-zoom" }, less, zoomed, more),
    button("Reset", "As at the beginning (R)", reset));
  const help = make("table", {}, ...KEYS.map(([keys, does]) =>
    make("tr", {}, make("th", { scope: "row" }, keys), make("td", {}, does))));
  const python = folded("The same in Python", code);
  const side = make("div", { class: "wbv-side" },
    rows.series, rows.image, rows.frame, buttons, rows.window, rows.numbers,
    status, request,
    folded("Mouse and keys", help), folded("Attributes", attributes), python);
  const left = make("div", { class: "wbv-left" }, stage, problem, readout);
  const root = make("div", { class: "wbv" },
    make("div", { class: "wbv-columns" }, left, side), note);
  el.append(root);

  // ---- Drawing, once a picture of the screen ------------------------------------------------
  function update() {
    if (isDue || isGone) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      if (!isGone) draw();
    });
  }

  function draw() {
    if (!get("stacks").length) {
      fail(get("message"));
      side.hidden = true;
      return;
    }
    const key = keyOf(here());
    const found = frames.get(key);
    if (found) {
      frames.delete(key); // to the end: it was wanted last
      frames.set(key, found);
      shown = found;
      show(found, key);
    } else if (problems.has(key)) {
      fail(problems.get(key));
    }
    canvas.setAttribute("aria-busy", String(!found));
    showPlace();
    if (shown) showValue();
    askForMore();
    followFilm();
  }

  function fail(sentence) {
    problem.innerHTML = sentence; // written by the kernel, with its texts escaped
    problem.hidden = false;
    stage.hidden = true;
    shown = null;
    painted = "";
    status.textContent = readout.textContent = request.textContent = "";
  }

  function show(frame, key) {
    const look = lookAt(frame);
    const wanted = JSON.stringify([key, look]);
    stage.hidden = false;
    problem.hidden = true;
    problems.clear(); // what failed may work the next time
    if (wanted !== painted) {
      const start = performance.now();
      if (image?.width !== frame.columns || image?.height !== frame.rows) {
        [canvas.width, canvas.height] = [frame.columns, frame.rows];
        image = new ImageData(frame.columns, frame.rows);
      }
      paint(frame, look, image);
      context.putImageData(image, 0, 0);
      canvas.dataset.milliseconds = (performance.now() - start).toFixed(2);
      painted = wanted;
    }
    const [zoom, ratio] = [get("zoom"), frame.columns / (frame.rows * frame.aspect)];
    left.style.setProperty("--ratio", ratio);
    canvas.style.transform = `translate(${-(zoom - 1) * get("across") * 100}%, `
      + `${-(zoom - 1) * get("down") * 100}%) scale(${zoom})`;
    canvas.classList.toggle("wbv-squares", zoom >= 4);
    const said = words();
    if (canvas.getAttribute("aria-label") !== said) canvas.setAttribute("aria-label", said);
    showLook(frame, look);
  }

  function showLook(frame, look) {
    const options = [...frame.windows.map(({ name, label }) => [name, label]),
      ...(look.name === OWN ? [[OWN, OWN]] : [])];
    if (windows.dataset.options !== JSON.stringify(options)) {
      windows.dataset.options = JSON.stringify(options);
      windows.replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
    }
    windows.value = look.name;
    rows.window.hidden = rows.numbers.hidden = !frame.windows.length;
    if (document.activeElement !== center || pointers.size) center.value = look.center;
    if (document.activeElement !== width || pointers.size) width.value = look.width;
    inverted.setAttribute("aria-pressed", String(look.invert));
    zoomed.textContent = `${Math.round(get("zoom") * 100)} %`;
    less.disabled = get("zoom") <= 1;
    more.disabled = get("zoom") >= LARGEST_ZOOM;
    if (request.title !== frame.path) {
      request.title = frame.path;
      // Of a UID, the end is what differs.
      request.textContent = `GET ${frame.path.replace(/[\d.]{12,}(?=[\d.]{7})/g, "\u2026")}`;
      attributes.replaceChildren(...Object.entries(frame.attributes).map(([name, value]) =>
        make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))));
    }
    if (code.value !== get("code")) code.value = get("code");
  }

  function showPlace() {
    const { image: number, frame: of } = here();
    const all = get("stacks");
    if (series.options.length !== all.length) {
      series.replaceChildren(...all.map(({ label }) => make("option", {}, label)));
    }
    series.selectedIndex = all.indexOf(stack());
    rows.series.title = stack().label;
    const set = (row, input, output, value, last) => {
      row.hidden = last < 2;
      [input.max, input.value, output.textContent] = [last, value, `${value} of ${last}`];
    };
    set(rows.image, images, imageCount, number, stack().images.length);
    set(rows.frame, ofFilm, frameCount, of, framesOf(number));
    play.hidden = rows.image.hidden && rows.frame.hidden;
    play.textContent = get("playing") ? "Pause" : "Play";
  }

  function showValue(point = cursor) {
    if (!shown || !point) {
      readout.textContent = [
        ...(shown?.windows.length ? ["Drag: window."] : []),
        ...(play.hidden ? [] : [`Wheel: next ${rows.frame.hidden ? "image" : "frame"}.`]),
        "Ctrl + wheel: zoom.",
      ].join(" ");
      return;
    }
    const box = canvas.getBoundingClientRect();
    const column = Math.floor(((point.x - box.x) * shown.columns) / box.width);
    const row = Math.floor(((point.y - box.y) * shown.rows) / box.height);
    if (column < 0 || row < 0 || column >= shown.columns || row >= shown.rows) return;
    readout.textContent = `Column ${column}, row ${row}: ${valueAt(shown, row * shown.columns + column)}`;
  }

  // ---- Mouse, fingers, keys -----------------------------------------------------------------
  function share(event) {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height];
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    canvas.focus({ preventScroll: true });
    isEngaged = true;
    const isPan = event.button === 1 || event.shiftKey || !shown?.windows.length;
    const look = shown && lookAt(shown);
    pointers.set(event.pointerId, { event, start: event, look, isPan });
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  stage.addEventListener("mousedown", (event) => event.preventDefault()); // no scrolling by button 1
  stage.addEventListener("pointermove", (event) => {
    // A page that scrolls under a resting mouse moves it, too.
    if (event.movementX || event.movementY) isEngaged = true;
    cursor = { x: event.clientX, y: event.clientY };
    const held = pointers.get(event.pointerId);
    if (held) drag(held, event);
    showValue();
  });

  function drag(held, event) {
    const box = stage.getBoundingClientRect();
    const [right, down] = [event.clientX - held.event.clientX, event.clientY - held.event.clientY];
    if (pointers.size > 1) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, one]) => one.event);
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const [x, y] = share(other);
      zoomTo((get("zoom") * apart(event)) / Math.max(apart(held.event), 1), x, y);
    } else if (held.isPan) {
      pan(right / box.width, down / box.height);
    } else if (held.look) {
      const by = sensitivity();
      setWindow(held.look.center + (event.clientY - held.start.clientY) * by,
        held.look.width + (event.clientX - held.start.clientX) * by);
    }
    held.event = event;
  }

  function letGo(event) {
    if (pointers.delete(event.pointerId)) later();
  }
  stage.addEventListener("pointerup", letGo);
  stage.addEventListener("pointercancel", letGo);
  stage.addEventListener("pointerleave", () => {
    isEngaged = document.activeElement === canvas && pointers.size > 0;
    cursor = null;
    showValue();
  });

  stage.addEventListener("wheel", (event) => {
    const isStack = shown && (stack().images.length > 1 || framesOf(get("image")) > 1);
    // Who scrolls the page, and comes by, goes on scrolling it.
    if (!isEngaged || !(isStack || event.ctrlKey)) return;
    event.preventDefault();
    const way = event.deltaY * (event.deltaMode ? 40 : 1);
    if (event.ctrlKey) {
      zoomTo(get("zoom") * 2 ** (-way / 300), ...share(event));
      return;
    }
    turned = Math.sign(way) === Math.sign(turned) ? turned + way : way;
    if (Math.abs(turned) < 40) return;
    step(Math.sign(turned));
    turned = 0;
  }, { passive: false });

  canvas.addEventListener("keydown", (event) => {
    if (!shown || event.altKey || event.metaKey || event.ctrlKey) return;
    const by = 10 * sensitivity();
    const look = lookAt(shown);
    const arrow = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    }[event.key];
    const actions = {
      PageUp: () => step(-1), PageDown: () => step(1),
      Home: () => step(-1e6), End: () => step(1e6),
      " ": playOrPause, "+": () => zoomTo(get("zoom") * 1.25), "=": () => zoomTo(get("zoom") * 1.25),
      "-": () => zoomTo(get("zoom") / 1.25), i: invert, r: reset, v: sayValue,
    };
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (arrow && event.shiftKey) setWindow(look.center + arrow[1] * by, look.width + arrow[0] * by);
    else if (arrow && get("zoom") > 1) pan(-arrow[0] * 0.1, -arrow[1] * 0.1);
    else if (arrow) step(arrow[0] + arrow[1]);
    else if (action) action();
    else if (shown.windows[event.key - 1]) chooseWindow(shown.windows[event.key - 1].name);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function sayValue() {
    const box = stage.getBoundingClientRect();
    showValue({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
    spoken = { of: words(), value: readout.textContent };
    caption();
  }

  // ---- The kernel's side --------------------------------------------------------------------
  const listen = {
    change: () => {
      update();
      setTimeout(captionAtRest, REST);
    },
    "change:first": () => takeFirst(),
    "change:heard": heard,
    "msg:custom": keep,
    comm_live_update: () => { if (!isGone) stop(); },
  };
  function takeFirst() {
    const first = get("first");
    if (first?.key) keep(first, first.buffers);
  }
  for (const [name, action] of Object.entries(listen)) model.on(name, action);
  takeFirst();
  update();
  setTimeout(caption, REST);

  return () => {
    isGone = true;
    pause();
    clearTimeout(film);
    clearTimeout(late);
    clearTimeout(resting);
    for (const [name, action] of Object.entries(listen)) model.off(name, action);
  };
}

function valueAt(frame, place) {
  if (frame.kind === "rgb") {
    return `red ${frame.pixels[3 * place]}, green ${frame.pixels[3 * place + 1]}, `
      + `blue ${frame.pixels[3 * place + 2]}`;
  }
  const stored = frame.pixels[place];
  const value = Math.round(meaning(frame, stored) * 1000) / 1000;
  const [from, to] = frame.padding ?? [1, 0];
  const outside = stored >= from && stored <= to ? " (padding)" : "";
  if (value === stored && !frame.unit) return `stored ${stored}${outside}`;
  return `stored ${stored}, ${frame.unit ? "" : "rescaled "}${value} ${frame.unit}`.trim() + outside;
}

export default { render };
