/**
 * The page's service worker: keeps the page's own files, so that it opens without the service, and says
 * so instead of the browser. Requests to the stages are left alone.
 */

const CACHE = "silop-page";
const base = new URL("../", self.location.href);
const FILES = [
  "",
  ..."style.css app.js panels.js request.js result.js draw.js colours.js npz.js png.js icon.svg info.json"
    .split(" ").map((name) => `page/${name}`),
].map((path) => new URL(path, base).href);

self.addEventListener("install", (event) => {
  const fetchAll = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map((url) => new Request(url, { headers: { Accept: "text/html" } })));
    await self.skipWaiting();
  };
  event.waitUntil(fetchAll());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && FILES.includes(url.split(/[?#]/)[0])) {
    event.respondWith(answer(event.request));
  }
});

/** The service's answer while there is one, so that the page is never older than the service. */
async function answer(request) {
  try {
    const response = await fetch(request);
    if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await caches.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
