/* Live: open pages follow what is changed elsewhere. */

let mark = body.dataset.liveMark ?? "";
let renewing = false;
let again = false;
let restedAt = 0;

async function refresh() {
  if (renewing) {
    again = true;
    return;
  }
  renewing = true;
  const [began, url] = [performance.now(), shown()];
  try {
    const found = await page(url, { cache: "no-store" });
    if (found?.ok && !found.moved && url === shown()) {
      mark = found.parsed.body.dataset.liveMark ?? mark;
      renew(found.parsed, { marks: true });
    }
  } catch {
    again = false; // the feed tells when the service is back
  } finally {
    renewing = false;
    restedAt = performance.now() + Math.max(700, 3 * (performance.now() - began));
    if (again) soon();
    again = false;
  }
}

const soon = debounced(() => setTimeout(refresh, restedAt - performance.now()), 150);

function concerns(told) {
  return (body.dataset.live ?? "").split(/\s+/).filter(Boolean).some((token) => {
    const [kind, id] = token.split(":");
    return told.all || (id ? told[kind]?.includes(Number(id)) : told.topics?.includes(kind));
  });
}

/** Listens while the page is in sight: a browser has few connections to one host. */
function listen() {
  if (!body.dataset.live?.trim()) return;
  let source = null;
  let timer;
  const stop = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const start = () => {
    stop();
    if (document.hidden) return;
    source = new EventSource(`/console/live?since=${encodeURIComponent(mark)}`);
    source.addEventListener("changed", (event) => {
      mark = event.lastEventId || mark;
      if (concerns(JSON.parse(event.data))) soon();
    });
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(start, 30_000);
    };
  };
  document.addEventListener("visibilitychange", start);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && start());
  start();
}

/** Tells the server where the visitor's clock is; true when it did not know. */
function tellZone() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const said = `leafcraft_tz=${timeZone}`;
  if (!timeZone || document.cookie.split("; ").includes(said)) return false;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${said}; path=/console; max-age=31536000; samesite=strict${secure}`;
  return document.cookie.split("; ").includes(said);
}
