/* The officers' list: keys, and changes as they come. Without scripts the page works all the same, and is loaded anew by hand. */
"use strict";
(() => {
  const queue = () => document.getElementById("queue");
  const links = () => [...queue().querySelectorAll("a.code")];
  const hint = document.getElementById("hint"), take = document.getElementById("take"), help = document.getElementById("help");
  const keys = document.querySelector(".keys");
  if (keys) keys.hidden = false;

  /* ------------------------------------------------------------------------------------------------------------ keys */
  const step = (by) => {
    const all = links(), at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };
  const ask = () => {
    const link = document.activeElement, row = link && link.closest && link.closest("tr.waits");
    if (!row || !take.showModal) return;
    take.querySelector(".code").textContent = link.textContent;
    take.querySelector("form").action = link.href;
    take.showModal();
    take.querySelector("button").focus();
  };
  const does = { j: () => step(1), k: () => step(-1), a: ask, "?": () => help.showModal && help.showModal(), "/": () => document.getElementById("ma").focus() };
  document.addEventListener("keydown", (event) => {
    const writes = event.target.matches("input, textarea, select");
    if (writes || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (does[event.key]) { event.preventDefault(); does[event.key](); }
  });

  /* ------------------------------------------------------------------------------------------------------------ bell */
  /* A sound only where the officer asked for it, and only after they touched the page: browsers keep others silent. */
  const bell = document.getElementById("bell"), KEPT = "canbo-bell";
  const wanted = () => { try { return localStorage.getItem(KEPT) === "1"; } catch { return false; } };
  const keep = (is) => { try { localStorage.setItem(KEPT, is ? "1" : "0"); } catch { /* a browser that keeps nothing: until the page is left */ } };
  let sound = null, on = wanted();
  const awake = () => sound && sound.state === "running";
  const tone = (hertz, after) => {
    const made = sound.createOscillator(), loud = sound.createGain(), at = sound.currentTime + after;
    made.frequency.value = hertz;
    loud.gain.setValueAtTime(0.0001, at);
    loud.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
    made.connect(loud).connect(sound.destination);
    made.start(at);
    made.stop(at + 0.4);
  };
  const label = () => {
    if (!bell) return;
    bell.hidden = false;
    bell.setAttribute("aria-pressed", on);
    bell.textContent = bell.dataset[on ? (awake() ? "on" : "asleep") : "off"];
  };
  const wake = async () => {
    if (!on || !window.AudioContext || awake()) return;
    sound = sound || new AudioContext();
    await sound.resume();
    label();
  };
  const ring = () => {
    queue().classList.add("rings");
    if (on && awake()) [0, 0.5, 1].forEach((after) => { tone(880, after); tone(660, after + 0.2); });
  };
  if (bell && window.AudioContext) {
    bell.addEventListener("click", async () => {
      on = !on;
      keep(on);
      await wake();
      if (on && awake()) tone(880, 0);
      label();
    });
    for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, wake);
    label();
  }

  /* --------------------------------------------------------------------------------------------------------- changes */
  const live = queue().dataset.live;
  if (!live || !window.EventSource) return;
  const say = (what) => {
    if (!what && !navigator.onLine) return;
    hint.hidden = !what;
    if (what) hint.firstElementChild.textContent = hint.dataset[what];
  };
  const urgent = () => [...queue().querySelectorAll("tr.urgent.waits")].map((row) => row.dataset.id);
  const told = () => new Map([...queue().querySelectorAll("tr[data-id]")].map((row) => [row.dataset.id, row.dataset.told]));
  let busy = false, again = false;
  const renew = async (because) => {
    if (busy) { again = true; return; }
    if (document.querySelector("dialog[open]") || queue().contains(document.activeElement) && document.activeElement.matches("input")) { if (because) say("fresh"); return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
      if (!answer.ok) { say(answer.type === "opaqueredirect" ? "over" : "away"); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html"), fresh = page.getElementById("queue");
      if (!fresh) { say("away"); return; }
      const before = told(), known = new Set(urgent()), focused = document.activeElement.getAttribute("href");
      queue().replaceWith(document.adoptNode(fresh));
      document.title = page.title;
      for (const row of queue().querySelectorAll("tr[data-id]")) if (before.get(row.dataset.id) !== row.dataset.told) row.classList.add("fresh");
      const same = focused && links().find((one) => one.getAttribute("href") === focused);
      if (same) same.focus();
      if (urgent().some((one) => !known.has(one))) ring();
      say("");
    } catch { say("away"); } finally {
      busy = false;
      if (again) { again = false; renew(because); }
    }
  };
  /* One connection for all pages of this browser, where it can be agreed on: six would leave no room for anything else. */
  const others = window.BroadcastChannel ? new BroadcastChannel("canbo") : null;
  const heard = (event) => {
    if (event.what !== "mark") say(event.what);
    else if (event.mark !== queue().dataset.mark) renew(true);
    else say("");
  };
  const tell = (event) => { heard(event); if (others) others.postMessage(event); };
  if (others) others.onmessage = (message) => heard(message.data);
  const listen = () => new Promise((done) => {
    let late = 0;
    const source = new EventSource(live);
    source.addEventListener("mark", (event) => { clearTimeout(late); tell({ what: "mark", mark: JSON.parse(event.data).mark }); });
    source.addEventListener("away", () => tell({ what: "away" }));
    source.addEventListener("gone", () => { source.close(); tell({ what: "over" }); done(); });
    source.onerror = () => {
      clearTimeout(late);
      if (source.readyState === 2) { tell({ what: "away" }); done(); } else late = setTimeout(() => tell({ what: "away" }), 8000);
    };
  });
  if (navigator.locks) navigator.locks.request("canbo-live", listen); else listen();
  addEventListener("offline", () => say("away"));
  addEventListener("online", () => renew(true));
  setInterval(() => { if (!document.hidden) renew(false); }, 60000);
})();
