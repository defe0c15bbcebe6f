/* An officer's own page: this browser takes notices. It asks the browser, then sends the page's own form; without scripts there is no button. */
"use strict";
(() => {
  const form = document.getElementById("push"), wrong = document.getElementById("push-wrong");
  if (!form || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  form.hidden = false;
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const key = Uint8Array.from(atob(form.dataset.key.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  form.addEventListener("submit", async (event) => {
    if (form.dataset.ready) return;
    event.preventDefault();
    event.stopPropagation();
    try {
      await navigator.serviceWorker.register("/officers/sw.js", { scope: "/officers/" });
      const worker = await navigator.serviceWorker.ready;
      const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      form.elements.endpoint.value = made.endpoint;
      form.elements.p256dh.value = text(made.getKey("p256dh"));
      form.elements.auth.value = text(made.getKey("auth"));
      form.dataset.ready = "1";
      form.requestSubmit(event.submitter);
    } catch { wrong.hidden = false; }
  });
})();
