// What a team's phone keeps of its day: sealed with a key that no script can read out, in this browser alone.
//
// Where the page is not secure (plain http on a network) nothing is written down: it stays in memory until the page is
// closed, and `keeps` is false so that the page can say so. wipe() leaves nothing: no database, no cache, no storage.

const NAME = "hall-field";
const STORES = ["keys", "day", "acts"];
const IV_BYTES = 12;

const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

function database() {
  const asked = indexedDB.open(NAME, 1);
  asked.onupgradeneeded = () => STORES.forEach((store) => asked.result.createObjectStore(store));
  return settled(asked);
}

// A transaction's store, and a promise of its end: what is told to be kept is on the disk by then.
function within(db, store, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(store, mode, { durability: "strict" });
    let given;
    transaction.oncomplete = () => resolve(given);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
    Promise.resolve(work(transaction.objectStore(store))).then((value) => { given = value; }, reject);
  });
}

async function ownKey(db) {
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  // Two tabs may make one each; the first that is kept is the key of both.
  return within(db, "keys", "readwrite", async (store) => {
    const known = await settled(store.get("seal"));
    if (!known) store.put(made, "seal");
    return known ?? made;
  });
}

class Sealed {
  constructor(db, key) { this.db = db; this.key = key; this.keeps = true; }

  async put(store, name, value) {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.key, new TextEncoder().encode(JSON.stringify(value)));
    await within(this.db, store, "readwrite", (kept) => { kept.put({ iv, sealed }, name); });
  }

  async opened({ iv, sealed }) {
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.key, sealed)));
  }

  async get(store, name) {
    const found = await within(this.db, store, "readonly", (kept) => settled(kept.get(name)));
    return found ? this.opened(found) : null;
  }

  // All of a store, in the order of their names.
  async all(store) {
    const found = await within(this.db, store, "readonly", (kept) => settled(kept.getAll()));
    return Promise.all(found.map((each) => this.opened(each)));
  }

  async drop(store, name) { await within(this.db, store, "readwrite", (kept) => { kept.delete(name); }); }

  async wipe() {
    this.db.close();
    await settled(indexedDB.deleteDatabase(NAME));
    await wipeAround();
  }
}

class Held {
  constructor() { this.keeps = false; this.stores = new Map(STORES.map((store) => [store, new Map()])); }
  async put(store, name, value) { this.stores.get(store).set(name, structuredClone(value)); }
  async get(store, name) { return structuredClone(this.stores.get(store).get(name) ?? null); }
  async all(store) {
    const kept = [...this.stores.get(store)].sort(([one], [other]) => (one < other ? -1 : 1));
    return kept.map(([, value]) => structuredClone(value));
  }
  async drop(store, name) { this.stores.get(store).delete(name); }
  async wipe() {
    this.stores.forEach((store) => store.clear());
    await wipeAround();
  }
}

// What else a browser keeps for a page: caches, the worker that fills them, and storage.
async function wipeAround() {
  if ("caches" in window) await Promise.all((await caches.keys()).filter((name) => name.startsWith(NAME)).map((name) => caches.delete(name)));
  const worker = await navigator.serviceWorker?.getRegistration(location.pathname);
  await worker?.unregister();
  sessionStorage.clear();
}

export async function openPocket() {
  if (!window.isSecureContext || !crypto.subtle) return new Held();
  try {
    const db = await database();
    // Another tab wipes: let go, or its wiping waits for us for ever.
    db.onversionchange = () => db.close();
    return new Sealed(db, await ownKey(db));
  } catch (refused) {
    console.warn("this browser keeps nothing", refused.name);    // private windows of some browsers
    return new Held();
  }
}
