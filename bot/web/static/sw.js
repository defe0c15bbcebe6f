// For the page on a home screen: without a network it shows whom to call. No conversation is ever kept, only these files.
'use strict';
const NAME = 'lich-1', FILES = ['cho', 'static/chat.css', 'static/chat.js', 'static/lich.svg'];
addEventListener('install', (event) => event.waitUntil(caches.open(NAME).then((kept) => kept.addAll(FILES)).then(() => skipWaiting())));
addEventListener('activate', (event) => event.waitUntil(
  caches.keys().then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)))),
));
addEventListener('fetch', (event) => {
  const asked = event.request;
  if (asked.method !== 'GET') return;
  const key = FILES.find((file) => new URL(file, registration.scope).href === asked.url) || (asked.mode === 'navigate' && 'cho');
  if (key) event.respondWith(fetch(asked).catch(() => caches.match(new URL(key, registration.scope))));
});
