// Helps for the page. Everything works without this file; docs/decisions/0017-web-chat.md says why it is no library.
// Nothing here is ever written to the device: what waits to be sent is held in memory, and goes with the page.
(function () {
  'use strict';
  var find = function (what) { return document.querySelector(what); };
  var show = function (what, shown) { var one = find(what); if (one) one.hidden = !shown; return one; };

  var call = null, waiting = null, timer = 0, tries = 0, watch = 0;  // what is on its way, or waits for the network
  var recorder = null, voice = null, since = 0, then = null;         // a recording that is being made; one that was made
  var news = null, pressed = null, leaving = false, last = -1000, arrived = -1000, tapped = {};
  var tabs = window.BroadcastChannel && new BroadcastChannel('lich');

  // --- away at once
  // Esc twice within a second, or the link. What is on the screen goes first, whatever the network does; `replace` leaves no
  // way back by the back button. What was on its way is still sent: somebody may have asked for help with their last press.
  function leave() {
    var way = find('[data-leave]');
    if (leaving || !way) return;
    leaving = true;
    hush();
    document.body.hidden = true;
    if (waiting) { waiting.body.append('leave', '1'); handOver(); }
    stop();
    document.cookie = 'di=1;samesite=strict';  // without a network: the next page of ours that opens knows that they left
    if (tabs) tabs.postMessage('');
    location.replace(way.href);
  }
  if (tabs) tabs.onmessage = leave;  // the same conversation stands in their other tabs
  // What waits goes on without its page, but 64 KiB at most.
  function handOver() {
    var body = waiting.body;
    if (!navigator.sendBeacon) return;
    body.delete('files');
    if (navigator.sendBeacon(waiting.to, body)) return;
    body.delete('text');
    navigator.sendBeacon(waiting.to, body);
  }
  addEventListener('pagehide', function () { if (call && waiting) handOver(); });
  document.addEventListener('keydown', function (event) {
    if (event.key === 'Escape') {
      event.preventDefault();  // it would also stop a page that loads
      if (event.timeStamp - last < 1000) leave();
      last = event.timeStamp;
    } else if (event.key === 'Enter' && event.target.type === 'checkbox') {
      event.preventDefault();  // the space bar ticks; Enter would send the form
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.id === 'text') {
      find('.send').click();
    }
  });
  addEventListener('pageshow', function (event) { if (event.persisted) location.reload(); });
  addEventListener('beforeinstallprompt', function (event) { event.preventDefault(); });  // nothing comes up by itself

  // --- sending
  // One turn a press, without leaving the page: so there is one entry in the history, and quick exit replaces it.
  document.addEventListener('submit', function (event) {
    if (event.target.id !== 'turn' || !window.FormData || !window.DOMParser) return;
    event.preventDefault();
    var button = event.submitter || pressed, urgent = !!button && button.className === 'danger';
    if (waiting && !urgent) { if (!call) find('#waiting').scrollIntoView(); return; }
    if (recorder && !urgent) { then = function () { send(button, false); }; recorder.stop(); } else send(button, urgent);
  });
  function send(button, urgent) {
    var form = find('#turn'), body = new FormData(form), heavy = !!voice;
    stop();
    if (button && button.name) body.append(button.name, button.value);
    if (urgent) body.delete('files');  // a call for help does not wait for a video
    else if (voice) body.append('files', voice, 'voice');
    body.getAll('files').forEach(function (file) { heavy = heavy || file.size > 0; });
    waiting = { to: form.action, body: body, heavy: heavy, text: written(), files: urgent ? 0 : chosen(), voice: urgent ? 0 : voice };
    tries = 0;
    go();
  }
  function written() { var box = find('#text'); return box ? box.value : ''; }
  function chosen() { var box = find('#files'); return box && box.files; }
  function go() {
    if (!waiting || call || leaving) return;
    var mine = call = new XMLHttpRequest(), bar = find('#sent');
    clearTimeout(timer);
    show('#waiting', false);
    busy(true);
    mine.open('POST', waiting.to);
    mine.upload.onprogress = function (event) {
      alive();
      if (waiting && waiting.heavy && bar) { bar.hidden = false; bar.value = event.loaded / event.total; }
    };
    mine.onload = function () { if (mine === call) came(mine); };
    mine.onerror = function () { if (mine === call) wait(); };
    mine.send(waiting.body);
    alive();
  }
  // A line that neither fails nor moves for a minute is given up, and tried again.
  function alive() {
    clearTimeout(watch);
    watch = setTimeout(function () { if (call) { var old = call; wait(); old.abort(); } }, 60000);
  }
  function came(answer) {
    var page = new DOMParser().parseFromString(answer.responseText, 'text/html');
    var ours = page.querySelector('[href$="chat.css"]');
    if (answer.status > 501 || (!ours && answer.status !== 413)) { wait(); return; }
    var was = waiting, text = written(), files = find('#files'), writes = document.activeElement === find('#text');
    stop();
    if (!ours) { show('#not-taken', true).scrollIntoView(); return; }
    if (voice === was.voice) voice = null;
    hush();
    document.documentElement.lang = page.documentElement.lang;
    document.title = page.title;
    document.body.parentNode.replaceChild(document.adoptNode(page.body), document.body);
    arrived = performance.now();
    ready();
    // What was written, chosen or recorded while the answer was on its way was not sent with it, and stays.
    var box = find('#text'), empty = find('#files');
    if (box && text !== was.text) {
      box.value = box.value || text.indexOf(was.text) ? text : text.slice(was.text.length).trim();
      grow();
      if (writes) box.focus();
    }
    files = files && files.files.length && files.files !== was.files && empty ? files : null;
    if (files) empty.parentNode.replaceChild(files, empty);
    if (files || voice || recorder) { empty = find('details'); if (empty) empty.open = true; }
  }
  // The network is away: the message waits here, is sent by itself, and counts once however often it is sent (its nonce).
  function wait() {
    call = null;
    clearTimeout(watch);
    busy(false);
    show('#waiting', true).scrollIntoView();
    timer = setTimeout(go, Math.min(30, 3 * Math.pow(2, tries++)) * 1000);
  }
  addEventListener('online', go);
  function stop() {
    var old = call;
    call = waiting = null;
    clearTimeout(timer);
    clearTimeout(watch);
    if (old) old.abort();
    busy(false);
    show('#waiting', false);
    show('#not-taken', false);
  }
  function busy(yes) {
    var form = find('#turn');
    if (!form) return;
    form.classList.toggle('sending', yes);
    form.setAttribute('aria-busy', yes);
    show('#sent', false);
  }

  // --- files and a recording
  // A file that would be refused is let go of here: nobody waits for it in vain, and no other button has to carry it.
  document.addEventListener('change', function (event) {
    var picked = event.target, bytes = 0, i;
    if (picked.id !== 'files') return;
    for (i = 0; i < picked.files.length; i++) bytes += picked.files[i].size;
    var large = bytes > picked.dataset.bytes || picked.files.length > picked.dataset.files;
    if (large) picked.value = '';
    show('#too-large', large);
  });
  // Recorded in the page, a voice is kept by no app of the phone. It ends by itself after five minutes.
  function record() {
    if (recorder) { recorder.stop(); return; }
    show('#no-sound', false);
    navigator.mediaDevices.getUserMedia({ audio: true }).then(function (sound) {
      var parts = [], made = recorder = new MediaRecorder(sound, { audioBitsPerSecond: 24000 });
      voice = null;
      since = Date.now();
      made.ondataavailable = function (event) { parts.push(event.data); };
      made.onstop = function () {
        sound.getTracks().forEach(function (track) { track.stop(); });
        recorder = null;
        voice = new Blob(parts, { type: parts[0].type });
        recorded();
        if (then) { var next = then; then = null; next(); }
      };
      setTimeout(function () { if (recorder === made) made.stop(); }, 300000);
      made.start();
      recorded();
    }, function () { show('#no-sound', true); });
  }
  function recorded() {
    var button = find('[data-record]'), length = Math.max(1, Math.round((Date.now() - since) / 1000));
    if (!button) return;
    button.textContent = recorder ? button.dataset.stop : button.dataset.record;
    find('#recorded').textContent = recorder ? button.dataset.now : voice ? button.dataset.made.replace('{n}', length) : '';
    show('[data-drop-voice]', !!voice);
  }

  // --- hearing
  // The recordings of what stands here, one after the other: only when asked for, and silent at the second press, or away.
  var sound = null;
  function hush() {
    var button = find('[data-listen]');
    if (sound) sound.pause();
    sound = null;
    if (button) button.setAttribute('aria-pressed', false);
  }
  function hear(button) {
    if (sound) { hush(); return; }
    var left = button.dataset.listen.split(' '), mine = sound = new Audio();
    button.setAttribute('aria-pressed', true);
    function next() {
      if (sound !== mine) return;
      if (!left.length) { hush(); return; }
      mine.src = left.shift();
      mine.play().catch(hush);
    }
    mine.onended = next;
    next();
  }

  // --- presses
  // The second tap of two in one place, meant for the page before: nobody reads a question in half a second. Leaving, and danger, hold.
  document.addEventListener('click', function (event) {
    var near = Math.abs(event.clientX - tapped.clientX) + Math.abs(event.clientY - tapped.clientY) < 40;
    var twice = event.detail > 1 || (event.detail && event.pointerType !== 'mouse' && near);
    tapped = event;
    if (!twice || event.timeStamp - arrived > 500 || event.target.closest('[data-leave], .danger')) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener('click', function (event) {
    var one = event.target.closest('button, [data-leave], [data-here]');
    if (!one) return;
    pressed = one;
    if ('leave' in one.dataset) { event.preventDefault(); leave(); }
    if ('here' in one.dataset) { event.preventDefault(); location.replace(one.href); }  // the history keeps its one entry
    if ('drop' in one.dataset) stop();
    if ('record' in one.dataset) { hush(); record(); }
    if ('listen' in one.dataset) hear(one);
    if ('dropVoice' in one.dataset) { voice = null; recorded(); }
    if ('large' in one.dataset) { document.documentElement.classList.toggle('large'); larger(); }
  });
  function larger() {
    var button = find('[data-large]');
    if (button) button.setAttribute('aria-pressed', document.documentElement.classList.contains('large'));
  }

  // The text box grows with what is written, and its Send button stays on the screen.
  function grow(event) {
    var box = find('#text'), page = find('main');
    if (!box || (event && event.target !== box)) return;
    var at = page.scrollTop;
    box.style.height = 'auto';
    box.style.height = box.scrollHeight + 2 + 'px';
    page.scrollTop = at;
    if (document.activeElement === box) box.parentNode.scrollIntoView({ block: 'nearest' });
  }
  document.addEventListener('input', grow);
  document.addEventListener('focusin', grow);

  // --- news
  // An officer's words are announced without touching what is written. While nobody looks at the page, nothing is asked.
  function listen() {
    var wanted = find('#fresh') && !document.hidden && window.EventSource;
    if (!wanted && news) { news.close(); news = null; }
    if (!wanted || news) return;
    news = new EventSource('news');
    news.addEventListener('mark', function (event) {
      var form = find('#turn');
      if (form && form.elements.seen && event.data !== form.elements.seen.value) show('#fresh', true);
    });
    news.addEventListener('gone', function () { if (news) news.close(); });
  }
  document.addEventListener('visibilitychange', listen);

  // --- a page is here
  function ready() {
    var said = find('#said'), box = find('#text');
    if (said) said.focus({ preventScroll: true });  // who reads with their ears hears the answer first
    show('[data-large]', true);
    show('[data-listen]', true);
    show('[data-record]', !!(window.MediaRecorder && navigator.mediaDevices));
    larger();
    if (box && box.value) grow();
    recorded();
    listen();
  }
  ready();
  // Only where somebody put the page on their home screen: whoever merely visits gets nothing installed.
  if (matchMedia('(display-mode: standalone)').matches && navigator.serviceWorker) navigator.serviceWorker.register('sw.js');
})();
