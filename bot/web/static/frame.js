/* Every page of an officer: what was written does not vanish where the service cannot be reached. Without scripts it works as forms do. */
"use strict";
(() => {
  const lost = document.getElementById("lost"), sure = new WeakSet();
  const WITHIN_MS = 5000;
  const reachable = async () => {
    try { return (await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) })).ok; } catch { return false; }
  };
  const say = (is) => { if (lost) lost.hidden = !is; };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || !window.AbortSignal || !AbortSignal.timeout) return;
    if (sure.delete(form)) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    const is = await reachable();
    delete form.dataset.busy;
    say(!is);
    if (!is) { lost.scrollIntoView({ block: "nearest" }); return; }
    sure.add(form);
    form.requestSubmit(event.submitter);
  });
  addEventListener("offline", () => say(true));
  addEventListener("online", async () => say(!(await reachable())));
})();
