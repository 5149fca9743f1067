(() => {
  "use strict";
  const source = document.getElementById("gallery-data");
  const root = document.getElementById("gallery");
  if (!source || !root) return;
  const data = JSON.parse(source.textContent);
  // Pictures of the page itself are not there twice: the data name them by their place among these.
  const inPage = [...document.querySelectorAll('img[src^="data:image/png"], img[src^="data:image/webp"]')].map((one) => one.src);
  const KEYS = ["image", "model", "truth", "predicted", "answer", "confidence", "verdict", "cause", "change", "sort"];
  const FILTERS = ["truth", "predicted", "answer", "confidence", "verdict", "cause", "change"];
  const CHANGES = ["fixed", "broken", "still-wrong"];
  const SORTS = [["", "errors first, surest first"], ["confidence", "most confident first"],
    ["least-confident", "least confident first"], ["loss", "largest loss first"], ["id", "image id"]];
  const CHUNK = 240;
  const MAP_SIDE = 128;
  const REMOVING = "Bold: the answer changed. That alone does not show that the cue is used: other changes of the image can turn an " +
    "answer too. The findings hold each removal against changes of equal size.";
  const STOPS = [[59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]];
  const form = root.querySelector(".g-filters");
  const count = root.querySelector(".g-count");
  const grid = root.querySelector(".g-grid");
  const more = root.querySelector(".g-more");
  const dialog = root.querySelector(".g-card");
  const all = data.ids.map((_, i) => i);
  const position = new Map(data.ids.map((id, i) => [id, i]));
  const stories = new Map();
  for (const story of data.stories) {
    if (!stories.has(story.item)) stories.set(story.item, []);
    stories.get(story.item).push(story);
  }
  let state = {};
  let stretched = false;
  let found = [];
  let shown = 0;

  function el(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function put(parent, ...children) {
    for (const child of children) if (child) parent.append(child);
    return parent;
  }

  function uri(number) {
    const text = data.pictures[number];
    if (typeof text === "number") return inPage[text];
    return "data:image/" + (text.startsWith("iVBOR") ? "png" : "webp") + ";base64," + text;
  }

  function words(key) {
    return key.replace(/[_-]/g, " ");
  }

  function percent(thousandths) {
    return thousandths < 0 ? "" : (thousandths / 10).toFixed(thousandths > 989 || thousandths < 10 ? 1 : 0) + "\u00a0%";
  }

  function className(number) {
    return number < 0 ? "not known" : data.classes[number];
  }

  // The hash holds the whole view; one without = is an ordinary anchor.
  function read() {
    const hash = location.hash.slice(1);
    const given = new URLSearchParams(hash.includes("=") ? hash : "");
    return Object.fromEntries(KEYS.map((key) => [key, given.get(key) || ""]));
  }

  function hashOf(view) {
    const given = new URLSearchParams();
    for (const key of KEYS) if (view[key]) given.set(key, view[key]);
    return "#" + (given.toString() || "gallery");
  }

  function go(changes, replace) {
    const hash = hashOf({ ...state, ...changes });
    if (hash !== location.hash) history[replace ? "replaceState" : "pushState"](null, "", hash);
    apply(false);
  }

  function model() {
    const at = data.models.findIndex((one) => one.name === state.model || one.run === state.model);
    return Math.max(at, 0);
  }

  function compared() {
    return model() || (data.models.length > 1 ? 1 : 0);
  }

  function range() {
    const parts = state.confidence.split("-").map(Number);
    return parts.length === 2 && parts.every(Number.isFinite) ? parts.map((one) => Math.round(1000 * one)) : null;
  }

  function change(i, second) {
    const was = data.predicted[0][i], now = data.predicted[second][i], truth = data.truth[i];
    if (!second || was < 0 || now < 0 || truth < 0) return "";
    if (was === truth) return now === truth ? "" : "broken";
    return now === truth ? "fixed" : "still-wrong";
  }

  function tests() {
    const m = model(), made = [], limits = range();
    const truth = data.classes.indexOf(state.truth), predicted = data.classes.indexOf(state.predicted);
    const verdict = data.verdicts.indexOf(state.verdict), cause = data.cues.indexOf(state.cause);
    if (state.truth) made.push((i) => truth >= 0 && data.truth[i] === truth);
    if (state.predicted) made.push((i) => predicted >= 0 && data.predicted[m][i] === predicted);
    if (state.answer) {
      made.push((i) => data.predicted[m][i] >= 0 && (data.predicted[m][i] === data.truth[i]) === (state.answer === "right"));
    }
    if (limits) made.push((i) => data.confidence[m][i] >= limits[0] && data.confidence[m][i] <= limits[1]);
    if (state.verdict) made.push((i) => verdict >= 0 && data.verdict[m][i] === verdict);
    if (state.cause) made.push((i) => cause >= 0 && (data.causes[m][i] >> cause & 1) === 1);
    if (state.change) made.push((i) => change(i, compared()) === state.change);
    return made;
  }

  function ordered(items) {
    const m = model(), sure = data.confidence[m], loss = data.loss[m], right = (i) => data.predicted[m][i] === data.truth[i];
    const by = {
      "": (a, b) => right(a) - right(b) || sure[b] - sure[a] || loss[b] - loss[a],
      confidence: (a, b) => sure[b] - sure[a] || loss[b] - loss[a],
      "least-confident": (a, b) => sure[a] - sure[b],
      loss: (a, b) => loss[b] - loss[a],
      id: (a, b) => data.ids[a].localeCompare(data.ids[b], "en", { numeric: true }),
    };
    return items.sort(by[state.sort] || by[""]);
  }

  // How many the run has for this view; null where the page does not know.
  function total() {
    const m = model(), active = FILTERS.filter((key) => state[key]);
    const others = active.filter((key) => !["truth", "predicted", "answer"].includes(key));
    if (!others.length) {
      const cells = data.models[m].cells;
      let sum = 0;
      for (let k = 0; k < cells.length; k += 3) {
        if (state.truth && data.classes[cells[k]] !== state.truth) continue;
        if (state.predicted && data.classes[cells[k + 1]] !== state.predicted) continue;
        if (state.answer && (cells[k] === cells[k + 1]) !== (state.answer === "right")) continue;
        sum += cells[k + 2];
      }
      return sum;
    }
    if (active.length > 1) return null;
    if (state.verdict) return data.totals[m].verdict[data.verdicts.indexOf(state.verdict)] ?? null;
    if (state.cause) return data.totals[m].cause[data.cues.indexOf(state.cause)] ?? null;
    return state.change ? data.models[compared()].changes[CHANGES.indexOf(state.change)] ?? null : null;
  }

  function countLine() {
    const whole = total(), n = found.length.toLocaleString("en");
    if (!all.length) return "";
    return whole === null
      ? `${n} shown, of the ${data.ids.length.toLocaleString("en")} with a picture`
      : `${n} of ${Math.max(whole, found.length).toLocaleString("en")} shown`;
  }

  function select(key, label, options) {
    const box = el("select");
    box.name = key;
    for (const [value, text] of options) put(box, new Option(text, value));
    box.addEventListener("change", () => go({ [key]: box.value, image: "" }));
    return put(el("label", "g-filter"), el("span", "", label), box);
  }

  function limit(name, label) {
    const box = el("input");
    Object.assign(box, { type: "number", name, min: 0, max: 100, step: 1 });
    box.setAttribute("aria-label", label);
    box.addEventListener("change", () => {
      const low = form.elements.low.value || 0, high = form.elements.high.value || 100;
      go({ confidence: Number(low) > 0 || Number(high) < 100 ? `${low / 100}-${high / 100}` : "", image: "" });
    });
    return box;
  }

  function buildFilters() {
    const any = ["", "all"], named = (keys) => [any, ...keys.map((key) => [key, words(key)])];
    const classes = [any, ...data.classes.map((name) => [name, name])];
    const used = data.verdicts.filter((_, k) => data.totals.some((one) => one.verdict[k]));
    const cues = data.cues.filter((_, k) => data.totals.some((one) => one.cause[k]));
    if (data.models.length > 1) put(form, select("model", "Answers of", data.models.map((one, k) => [k ? one.name : "", one.name])));
    put(form, select("truth", "True class", classes), select("predicted", "Answered", classes),
      select("answer", "Right or wrong", [any, ["wrong", "wrong"], ["right", "right"]]));
    if (data.models.length > 1) put(form, select("change", "Change", named(CHANGES)));
    if (used.length) put(form, select("verdict", "Triage", named(used)));
    if (cues.length) put(form, select("cause", "Cause", named(cues)));
    if (data.confidence.some((one) => one.some((sure) => sure >= 0))) {
      const fields = put(el("span", "g-limits"), limit("low", "Confidence from, per cent"), " to ", limit("high", "Confidence to, per cent"));
      put(form, put(el("span", "g-filter"), el("span", "", "Confidence, %"), fields));
    }
    put(form, select("sort", "Sort", SORTS));
    const clear = el("button", "g-clear", "Show all");
    clear.type = "button";
    clear.addEventListener("click", () => go(Object.fromEntries(KEYS.map((key) => [key, key === "sort" ? state.sort : ""]))));
    put(form, clear);
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function fillFilters() {
    for (const key of ["truth", "predicted", "answer", "change", "verdict", "cause", "sort"]) {
      const box = form.elements[key];
      if (box) box.value = state[key];
    }
    if (form.elements.model) form.elements.model.selectedIndex = model();
    if (form.elements.low) {
      const limits = range() || [0, 1000];
      form.elements.low.value = limits[0] / 10;
      form.elements.high.value = limits[1] / 10;
    }
    form.querySelector(".g-clear").disabled = !FILTERS.some((key) => state[key]);
  }

  function answerLine(m, i, named) {
    const predicted = data.predicted[m][i];
    if (predicted < 0) return null;
    const line = el("span", "g-answer " + data.models[m].tint);
    const mark = predicted === data.truth[i] ? "✔" : "✘";
    put(line, el("span", "g-dot", "●"), el("span", "", ` ${mark} ${className(predicted)} ${percent(data.confidence[m][i])}`));
    if (named) line.append(` (${data.models[m].name})`);
    return line;
  }

  function told(i) {
    const answers = data.models.map((one, m) => data.predicted[m][i] < 0 ? "" :
      `${one.name} answers ${className(data.predicted[m][i])} ${percent(data.confidence[m][i])}`);
    return `${data.ids[i]}, truth ${className(data.truth[i])}; ${answers.filter(Boolean).join("; ")}`;
  }

  function tile(i) {
    const button = el("button", "g-tile"), image = el("img");
    image.src = uri(data.thumb[i]);
    image.alt = "";
    image.loading = "lazy";
    image.decoding = "async";
    button.type = "button";
    button.dataset.i = i;
    button.dataset.id = data.ids[i];
    button.tabIndex = -1;
    button.setAttribute("aria-label", told(i));
    put(button, image, el("span", "g-truth", className(data.truth[i])), ...data.models.map((_, m) => answerLine(m, i)));
    return button;
  }

  function append(n) {
    const part = document.createDocumentFragment();
    for (const i of found.slice(shown, shown + n)) part.append(tile(i));
    grid.append(part);
    shown = Math.min(shown + n, found.length);
    more.hidden = shown >= found.length;
    more.firstElementChild.textContent = `Show ${Math.min(CHUNK, found.length - shown)} more`;
    if (grid.firstElementChild && !grid.querySelector("[tabindex='0']")) grid.firstElementChild.tabIndex = 0;
  }

  function focusTile(button) {
    for (const other of grid.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  }

  function columns() {
    const top = grid.children[0].offsetTop;
    const next = [...grid.children].findIndex((one) => one.offsetTop > top);
    return next < 0 ? grid.children.length : next;
  }

  function move(event) {
    const current = event.target.closest(".g-tile");
    const ways = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: columns, ArrowUp: () => -columns() };
    if (!current || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = [...grid.children].indexOf(current);
    let next = null;
    if (event.key in ways) next = at + ways[event.key]();
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = found.length - 1;
    if (next === null) return;
    event.preventDefault();
    if (next >= found.length && event.key === "ArrowRight" || next < 0) return;
    next = Math.min(next, found.length - 1);
    if (next >= shown) append(next - shown + CHUNK);
    focusTile(grid.children[next]);
  }

  // -- one image ----------------------------------------------------------------------------------------------------

  function picture(number, alt, className) {
    if (number < 0) return el("span", "g-none", "no picture");
    const image = el("img", className);
    image.src = uri(number);
    image.alt = alt;
    return image;
  }

  function enlarged(i) {
    const number = data.full[i] < 0 ? data.thumb[i] : data.full[i];
    const image = picture(number, "test image " + data.ids[i], "g-big");
    image.addEventListener("load", () => {
      image.width = image.naturalWidth * Math.max(Math.min(8, Math.floor(288 / Math.max(image.naturalWidth, image.naturalHeight))), 1);
    });
    return image;
  }

  function row(cells, tag) {
    return put(el("tr"), ...cells.map((one) => {
      const made = el(tag || "td");
      if (typeof one === "string" && /^\d/.test(one)) made.className = "n";
      return put(made, one);
    }));
  }

  function modelName(one) {
    return put(el("span", one.tint), el("span", "g-dot", "●"), " " + one.name);
  }

  function answersTable(i) {
    const judged = data.models.some((_, m) => data.verdict[m][i] >= 0), caused = data.causes.some((one) => one[i]);
    const heads = ["model", "answer", "sure", "loss", ...(judged ? ["triage"] : []), ...(caused ? ["cause"] : [])];
    const body = el("tbody");
    data.models.forEach((one, m) => {
      if (data.predicted[m][i] < 0) return;
      const right = data.predicted[m][i] === data.truth[i];
      const cells = [modelName(one), `${right ? "✔" : "✘"} ${className(data.predicted[m][i])}`, percent(data.confidence[m][i]) || "–",
        data.loss[m][i] < 0 ? "–" : (data.loss[m][i] / 1000).toFixed(2)];
      if (judged) cells.push(data.verdict[m][i] < 0 ? "–" : words(data.verdicts[data.verdict[m][i]]));
      if (caused) cells.push(data.cues.filter((_, k) => data.causes[m][i] >> k & 1).map(words).join(", ") || "–");
      body.append(row(cells));
    });
    return put(el("table", "g-answers"), put(el("thead"), row(heads, "th")), body);
  }

  function removedAnswer(m, k, i) {
    const [predicted, sure] = data.removed[m][k];
    if (!predicted || predicted[i] < 0) return null;
    const changed = predicted[i] !== data.predicted[m][i];
    return said(changed ? "b" : "span", predicted[i], sure[i], i);
  }

  function said(tag, predicted, sure, i) {
    const right = predicted === data.truth[i];
    return put(el(tag), `${right ? "✔" : "✘"} ${className(predicted)} `, el("span", "g-sure", percent(sure)));
  }

  // What was answered with a cue taken away, one line a cue.
  function removalsPart(i) {
    const answers = data.removals.map((_, k) => data.models.map((_, m) => removedAnswer(m, k, i)));
    const asked = data.models.map((_, m) => m).filter((m) => answers.some((one) => one[m]));
    if (!asked.length) return null;
    const heads = asked.map((m) => data.models.length > 1 ? modelName(data.models[m]) : "answer");
    const unchanged = asked.map((m) => said("span", data.predicted[m][i], data.confidence[m][i], i));
    const body = put(el("tbody"), row(["nothing", ...unchanged]));
    data.removals.forEach(([cue, view], k) => {
      if (!answers[k].some(Boolean)) return;
      body.append(row([put(el("span"), cue + " ", el("small", "", words(view))), ...asked.map((m) => answers[k][m] || "–")]));
    });
    return put(el("section"), el("h3", "", "With a cue taken away"),
      put(el("table", "g-answers g-removals"), put(el("thead"), row(["taken away", ...heads], "th")), body),
      el("p", "g-scale", REMOVING));
  }

  function magma(share) {
    const at = share * (STOPS.length - 1), k = Math.min(Math.floor(at), STOPS.length - 2), part = at - k;
    return STOPS[k].map((low, c) => (1 - part) * low + part * STOPS[k + 1][c]);
  }

  function pixels(image, width, height, smooth) {
    const canvas = el("canvas"), pen = canvas.getContext("2d");
    canvas.width = width;
    canvas.height = height;
    pen.imageSmoothingEnabled = smooth;
    pen.drawImage(image, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height);
  }

  async function drawMap(canvas, i, layer, factor) {
    const images = [new Image(), new Image()];
    images[0].src = uri(data.full[i] < 0 ? data.thumb[i] : data.full[i]);
    images[1].src = uri(layer);
    await Promise.all(images.map((image) => image.decode()));
    const scale = MAP_SIDE / Math.max(images[0].naturalWidth, images[0].naturalHeight);
    const width = Math.round(images[0].naturalWidth * scale), height = Math.round(images[0].naturalHeight * scale);
    const below = pixels(images[0], width, height, scale < 1), above = pixels(images[1], width, height, true);
    for (let k = 0; k < below.data.length; k += 4) {
      const grey = 0.299 * below.data[k] + 0.587 * below.data[k + 1] + 0.114 * below.data[k + 2];
      const share = Math.min(above.data[k + 3] / 255 * factor, 1), colour = magma(share);
      for (let c = 0; c < 3; c++) below.data[k + c] = (1 - share) * grey + share * colour[c];
    }
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").putImageData(below, 0, 0);
  }

  function stamp(word) {
    return el("span", "g-stamp g-" + (word || "unstamped").replace(/ /g, "-"), word || "not stamped");
  }

  function mapFigure(i, one) {
    const [, method, target, explained, , high, own, word, , layer] = one;
    const figure = el("figure", word === "do not trust" ? "g-map g-distrusted" : "g-map");
    if (own <= 0) figure.append(el("span", "g-none", "no positive evidence"));
    else if (layer < 0) figure.append(el("span", "g-none", "no map"));
    else {
      const canvas = el("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${words(method)} map for ${explained}, largest value ${own}`);
      figure.append(canvas);
      drawMap(canvas, i, layer, stretched && own < high ? high / own : 1).catch(() => canvas.replaceWith(el("span", "g-none", "no map")));
    }
    const whose = target === "predicted" ? "its answer" : target;
    const caption = put(el("figcaption"), el("b", "", words(method)), el("span", "", `for ${explained} (${whose})`), stamp(word),
      el("small", "", `largest ${own}`));
    return put(figure, caption);
  }

  // Why maps of a kind are not trusted, once a method, target and model.
  function reasons(maps) {
    const said = maps.filter((one) => one[8]).map(([m, method, target, , , , , word, reason]) => {
      const whose = data.models.length > 1 ? ` of ${data.models[m].name}` : "";
      const verdict = word === "do not trust" ? "Do not trust" : "It cannot be told whether to trust";
      return `${verdict} ${words(method)} maps of the ${target} class${whose}: such a map ${reason}.`;
    });
    return said.map((text) => el("p", "g-scale", text));
  }

  function mapsOf(i, mine) {
    const known = new Map();
    for (const story of mine) {
      for (const one of story.maps) {
        const key = JSON.stringify(one.slice(0, 3));
        if (!known.has(key)) known.set(key, one);
      }
    }
    return [...known.values()];
  }

  function mapsPart(i, mine) {
    const maps = mapsOf(i, mine);
    if (!maps.length) return null;
    const part = el("section"), toggle = el("input"), sides = el("div", "g-sides"), scales = el("p", "g-scale");
    toggle.type = "checkbox";
    toggle.checked = stretched;
    const redraw = () => {
      sides.replaceChildren(...data.models.map((one, m) => {
        const own = maps.filter((map) => map[0] === m);
        if (!own.length) return el("span");
        const side = put(el("div"), put(el("h4", one.tint), el("span", "g-dot", "●"), " " + one.name));
        return put(side, put(el("div", "g-row"), ...own.map((map) => mapFigure(i, map))));
      }));
      const ends = new Set(maps.map(([m, method, , , low, high]) =>
        `${words(method)}${data.models.length > 1 ? " of " + data.models[m].name : ""}: clear at ${low}, full colour from ${high}`));
      scales.replaceChildren(el("span", "g-bar"), stretched
        ? " Each map is stretched to its own largest value: colours of different maps cannot be compared."
        : ` One scale for all images: ${[...ends].join("; ")}.`);
    };
    toggle.addEventListener("change", () => {
      stretched = toggle.checked;
      redraw();
    });
    redraw();
    return put(part, el("h3", "", "Where the maps see evidence"), put(el("label", "g-toggle"), toggle, " stretch each map to its own largest value"), sides, scales,
      ...reasons(maps));
  }

  function storyPart(story, i) {
    const whose = story.model >= 0 && data.models.length > 1 ? ` (${data.models[story.model].name})` : "";
    const part = put(el("section"), el("h3", "", story.title + whose));
    const note = [CHANGES.includes(story.group) ? "" : story.group, story.note].filter(Boolean).join("; ");
    if (note) part.append(el("p", "", note));
    const row = el("div", "g-row");
    if (story.swaps.length) {
      row.append(put(el("figure", "g-side"), picture(data.thumb[i], "unchanged", "g-pixels"), el("figcaption", "", "unchanged")));
    }
    for (const [cue, donor, donorClass, predicted, sure, number] of story.swaps) {
      const right = predicted === className(data.truth[i]) ? "✔" : "✘";
      row.append(put(el("figure", "g-side"), picture(number, `with the ${words(cue)} of ${donor}`, "g-pixels"),
        put(el("figcaption"), `${words(cue)} of a ${donorClass}: `, el("b", "", `${right} ${predicted}`), ` ${percent(sure)} `, el("small", "", donor))));
    }
    for (const [id, label, note, number] of story.twins) {
      row.append(put(el("figure", "g-side"), picture(number, `${id}, label ${label}`, "g-pixels"),
        put(el("figcaption"), el("b", "", label), " ", el("small", "", note))));
    }
    if (row.childElementCount) part.append(row);
    return row.childElementCount || note ? part : null;
  }

  function copying(label, text) {
    const button = el("button", "g-copy", label);
    button.type = "button";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = "copied";
      } catch {
        button.textContent = "could not copy: select the text";
      }
      setTimeout(() => { button.textContent = label; }, 1500);
    });
    return button;
  }

  function commands(i) {
    const part = put(el("section"), el("h3", "", "Look again"));
    for (const one of data.models) {
      if (!one.before) continue;
      const text = one.before + data.ids[i] + one.after;
      part.append(put(el("p", "g-command"), el("code", "", text), copying("copy command", () => text)));
    }
    return put(part, put(el("p", "g-command"), copying("copy id", () => data.ids[i]), copying("copy link", () => location.href)));
  }

  function step(by) {
    const at = found.indexOf(position.get(state.image));
    const next = found[at < 0 ? 0 : at + by];
    if (next !== undefined) go({ image: data.ids[next] }, true);
  }

  function stepper(label, by, at) {
    const button = el("button", "", label);
    button.type = "button";
    button.disabled = at + by < 0 || at + by >= found.length;
    button.addEventListener("click", () => {
      step(by);
      const again = dialog.querySelector(by < 0 ? ".g-head button" : ".g-head button + button");
      (again.disabled ? dialog.querySelector(".g-close") : again).focus();
    });
    return button;
  }

  function fillCard(i) {
    const mine = stories.get(i) || [], at = found.indexOf(i), changed = change(i, compared());
    const close = el("button", "g-close", "Close");
    close.type = "button";
    put(close, " ", el("kbd", "", "Esc"));
    close.addEventListener("click", () => dialog.close());
    const title = el("h2", "", data.ids[i]);
    title.id = "g-name";
    title.tabIndex = -1;
    const head = put(el("div", "g-head"), stepper("← Previous", -1, at), stepper("Next →", 1, at),
      el("span", "g-at", at < 0 ? "not in this selection" : `${at + 1} of ${found.length}`), close);
    const facts = put(el("div"), title, put(el("p"), "truth ", el("b", "", className(data.truth[i])), changed ? `, ${words(changed)} with ${data.models[compared()].name}` : ""), answersTable(i), removalsPart(i));
    dialog.replaceChildren(head, put(el("div", "g-top"), enlarged(i), facts));
    put(dialog, mapsPart(i, mine), ...mine.map((story) => storyPart(story, i)), commands(i));
    dialog.dataset.id = data.ids[i];
    dialog.scrollTop = 0;
  }

  function showCard() {
    const i = position.get(state.image);
    if (i === undefined) {
      if (dialog.open) dialog.close();
      return;
    }
    fillCard(i);
    if (!dialog.open) dialog.showModal();
    // What had the focus is gone, and keys outside of the card do not reach it.
    else if (!dialog.contains(document.activeElement)) dialog.querySelector("h2").focus();
  }

  function closed() {
    const i = position.get(state.image);
    if (i === undefined) return;
    go({ image: "" });
    const button = grid.querySelector(`[data-i="${i}"]`);
    if (button) focusTile(button);
  }

  // -- the view -----------------------------------------------------------------------------------------------------

  let drawn = null;

  function apply(arrived) {
    const hash = location.hash.slice(1);
    if (hash && hash !== "gallery" && !hash.includes("=")) {
      state.image = "";
      showCard();
      if (drawn !== null) return;
    }
    state = read();
    const view = hashOf({ ...state, image: "" });
    fillFilters();
    if (view !== drawn) {
      const checks = tests();
      found = ordered(all.filter((i) => checks.every((check) => check(i))));
      grid.replaceChildren();
      shown = 0;
      append(CHUNK);
      drawn = view;
    }
    const missing = state.image && !position.has(state.image);
    count.dataset.matching = found.length;
    count.textContent = countLine() + (missing ? `; there is no picture of ${state.image} here` : "");
    if (arrived && hash.includes("=")) {
      root.scrollIntoView();
      root.focus({ preventScroll: true });
    }
    showCard();
  }

  buildFilters();
  grid.classList.add("g-live");
  form.hidden = count.hidden = root.querySelector(".g-keys").hidden = false;
  more.firstElementChild.addEventListener("click", () => append(CHUNK));
  grid.addEventListener("keydown", move);
  grid.addEventListener("click", (event) => {
    const button = event.target.closest(".g-tile");
    if (!button) return;
    focusTile(button);
    go({ image: data.ids[button.dataset.i] });
  });
  dialog.addEventListener("close", closed);
  dialog.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT" || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      step(event.key === "ArrowRight" ? 1 : -1);
    }
  });
  window.addEventListener("hashchange", () => apply(true));
  apply(true);
  root.dataset.ready = "";
})();
