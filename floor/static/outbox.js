// Acts of a phone on their way to the hall: kept until answered, sent one at a time in the order they were pressed.
//
// Each has an id minted here and its own time, so that one whose answer was lost is sent again and acts once, and one that
// waited a day counts for when it was pressed. What the hall refuses is set aside, whole and sealed like the rest, with its
// words, and does not hold up what follows; it may be sent again. What gets no answer holds up everything behind it, for
// order matters. An act is sent for who pressed it alone: somebody else who signs in on this phone never acts with what was
// left waiting.

import { backOff } from "./live.js";

const PATIENCE_MS = 20_000;     // for an act without a photo
const SLOWEST = 8;              // characters a millisecond that a photo is waited for: 8 kB/s
const AWAY = new Set([408, 425, 429]);

// 128 random bits; randomUUID is for secure pages only.
export function mint() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Two tabs may count to the same number: the id keeps one act from writing over the other.
const place = (act) => `${String(act.n).padStart(9, "0")} ${act.id}`;

export class Outbox {
  // `send(act)` posts and gives the Response; `changed(why, act, answer)` is told of waiting, done, refused, ended, stale.
  constructor(pocket, send, changed) {
    Object.assign(this, { pocket, send, changed, me: null, waiting: [], refused: [], busy: false, tries: 0, timer: 0, last: 0, ended: false });
  }

  // What whoever is signed in has pressed; `me` is their name.
  get mine() { return this.waiting.filter((act) => act.by === this.me); }

  // What is on the disk, of every tab, in order; what there was no room for stays as it is.
  async load() {
    const kept = await this.pocket.all("acts");
    const known = new Set(kept.map((act) => act.id));
    const loose = [...this.waiting, ...this.refused].filter((act) => act.loose && !known.has(act.id));
    const all = [...kept, ...loose].sort((one, other) => one.n - other.n);
    this.waiting = all.filter((act) => !act.refused);
    this.refused = all.filter((act) => act.refused);
    this.last = Math.max(this.last, 0, ...all.map((act) => act.n));
  }

  // On the disk before it is shown as pressed.
  async add(kind, visit, data = {}) {
    const act = { n: ++this.last, id: mint(), by: this.me, kind, visit, data, at: Date.now() };
    await this.keep(act);
    if (!this.waiting.some((each) => each.id === act.id)) this.waiting.push(act);
    this.changed("waiting", act);
    this.replay();
    return act;
  }

  async keep(act) {
    try {
      await this.pocket.put("acts", place(act), act);
    } catch (full) {
      // No room on the phone: the act lives as long as the page does, and the page says so.
      console.warn("not kept", full.name);
      act.loose = true;
      this.pocket.keeps = false;
    }
  }

  // An act that was set aside has been read.
  async forget(act) {
    this.refused = this.refused.filter((each) => each.id !== act.id);
    await this.pocket.drop("acts", place(act));
    this.changed("forgotten", act);
  }

  // The papers of a visit are with a window: what was refused of it keeps its words, and nothing that was in it.
  async empty(visit) {
    for (const act of this.refused.filter((each) => each.visit === visit)) {
      act.data = {};
      await this.keep(act);
    }
  }

  // Or it is sent once more, as it was, and behind it what was refused of the same visit after it: what stood against the
  // first (the other of the two had not signed in) stood against them all.
  async again(act) {
    const anew = this.refused.filter((each) => each.visit === act.visit && each.n >= act.n).map((each) => ({ ...each }));
    const ids = new Set(anew.map(({ id }) => id));
    for (const each of anew) {
      delete each.refused;
      await this.keep(each);
    }
    this.refused = this.refused.filter((each) => !ids.has(each.id));
    this.waiting = [...this.waiting.filter((each) => !ids.has(each.id)), ...anew].sort((one, other) => one.n - other.n);
    this.changed("waiting", act);
    this.replay();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.replay(), backOff(this.tries++));
  }

  // Now, whatever was waited for: the net is back.
  hurry() { this.tries = 0; clearTimeout(this.timer); return this.replay(); }

  async replay() {
    if (this.busy || this.ended) return;
    this.busy = true;
    try {
      await this.load();
      while (this.mine.length && await this.deliver(this.mine[0]));
    } finally {
      this.busy = false;
    }
    if (this.mine.length && !this.ended) this.soon();
  }

  // Whether the next may go.
  async deliver(act) {
    let answer;
    try {
      const size = (act.data.image ?? act.data.picture ?? "").length;
      const reply = await this.send(act, AbortSignal.timeout(PATIENCE_MS + size / SLOWEST));
      if (reply.status >= 500 || AWAY.has(reply.status)) return false;
      if (reply.status === 401) { this.ended = true; this.changed("ended", act); return false; }
      answer = { ok: reply.ok, body: reply.status === 204 ? {} : await reply.json() };
    } catch (cut) {
      this.changed("cut", act, cut);
      return false;
    }
    if (answer.body.page === "stale") { this.changed("stale", act); return false; }
    this.tries = 0;
    this.waiting = this.waiting.filter((each) => each.id !== act.id);
    if (answer.ok) {
      await this.pocket.drop("acts", place(act));
      this.changed("done", act, answer.body);
    } else {
      const aside = { ...act, refused: answer.body.detail || answer.body.title };
      this.refused.push(aside);
      await this.keep(aside);
      this.changed("refused", aside, answer.body);
    }
    return true;
  }
}
