/* Shows an officer's notices: level and code, as they came. It keeps nothing, answers no request, and opens the officers' list. */
"use strict";
addEventListener("install", () => skipWaiting());
addEventListener("push", (event) => {
  let told = { level: "Nhịp Cầu", code: "" };
  try { told = { ...told, ...event.data.json() }; } catch { /* something came: that alone is worth a look */ }
  event.waitUntil(registration.showNotification(told.level, { body: told.code, tag: told.code, requireInteraction: true, icon: "/static/icon.svg" }));
});
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow("/officers/"));
});
