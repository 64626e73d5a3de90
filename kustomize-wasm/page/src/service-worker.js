// Keeps all that was built, so that the page works offline once it was loaded. The build puts in
// what there is.
const CACHE = `kustomize-${__VERSION__}`;
const ASSETS = __ASSETS__;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(ASSETS.map((asset) => new Request(asset, { cache: 'reload' }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('kustomize-') && name !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) {
    return;
  }
  const answer = async () => {
    const cache = await caches.open(CACHE);
    const found = await cache.match(request, { ignoreSearch: request.mode === 'navigate' });
    return found ?? fetch(request);
  };
  event.respondWith(answer());
});
