/* What is wrong with a page for eyes and hands (WCAG 2.2 AA): contrast as it is drawn, edges, labels, names, sizes, headings, width. */
() => {
  const faults = [];
  const numbers = (color) => (color.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => part / 255).map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const color = numbers(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); };
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
  const name = (one) => (one.getAttribute("aria-label") || one.innerText || one.title || "").trim();
  for (const one of document.body.querySelectorAll("*")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !shown(one) || one.matches(".unseen, .skip, option, optgroup, script")) continue;
    const style = getComputedStyle(one), found = ratio(numbers(style.color), behind(one));
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
    if (found < (large ? 3 : 4.5)) faults.push("faint " + found.toFixed(2) + ": " + one.outerHTML.slice(0, 120));
  }
  for (const one of document.querySelectorAll("input:not([type=hidden]), select, textarea, button")) {
    if (!shown(one)) continue;
    if (!one.matches("button") && !(one.labels && one.labels.length)) faults.push("no label: " + one.outerHTML.slice(0, 120));
    const style = getComputedStyle(one), edge = ratio(numbers(style.borderTopColor), behind(one.parentElement));
    if (!one.matches(".main, [type=checkbox]") && edge < 3) faults.push("edge " + edge.toFixed(2) + ": " + one.outerHTML.slice(0, 120));
  }
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!shown(one) || one.matches(".skip")) continue;
    const box = one.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) faults.push("small " + Math.round(box.width) + "x" + Math.round(box.height) + ": " + one.outerHTML.slice(0, 120));
    if (!one.matches("input, select, textarea") && !name(one)) faults.push("no name: " + one.outerHTML.slice(0, 120));
  }
  let level = 0;
  const tops = [...document.querySelectorAll("main h1, main h2, main h3")].filter(shown);
  if (tops.filter((one) => one.matches("h1")).length !== 1) faults.push("not one h1");
  for (const one of tops) { const now = Number(one.tagName[1]); if (now > level + 1) faults.push("heading skips: " + one.innerText); level = now; }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the screen: " + document.documentElement.scrollWidth);
  if (!document.documentElement.lang || !document.title || !document.querySelector("main")) faults.push("no language, title or main");
  return faults;
}
