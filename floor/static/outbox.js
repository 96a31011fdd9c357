// Acts of a phone on their way to the hall: kept until answered, sent one at a time in the order they were pressed.
//
// Each has an id minted here, so that one whose answer was lost is sent again and acts once. What the hall refuses is set
// aside with its words and does not hold up the rest; what gets no answer holds up everything behind it, for order matters.
// An act is sent for who pressed it alone: somebody else who signs in on this phone never acts with what was left waiting.

import { backOff } from "./live.js";

const PATIENCE_MS = 20_000;     // a photo over a weak line
const AWAY = new Set([408, 425, 429]);

// 128 random bits; randomUUID is for secure pages only.
export function mint() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  // `send(act)` posts and gives the Response; `changed(why, act, answer)` is told of waiting, done, refused, ended.
  constructor(pocket, send, changed) {
    Object.assign(this, { pocket, send, changed, me: null, waiting: [], refused: [], busy: false, tries: 0, timer: 0, last: 0, ended: false });
  }

  // What whoever is signed in has pressed; `me` is their name.
  get mine() { return this.waiting.filter((act) => act.by === this.me); }

  async load() {
    const kept = await this.pocket.all("acts");
    this.waiting = kept.filter((act) => !act.refused);
    this.refused = kept.filter((act) => act.refused);
    this.last = Math.max(0, ...kept.map((act) => act.n));
  }

  // On the disk before it is shown as pressed.
  async add(kind, visit, data = {}) {
    const act = { n: ++this.last, id: mint(), by: this.me, kind, visit, data, at: Date.now() };
    try {
      await this.pocket.put("acts", act.n, act);
    } catch (full) {
      // No room on the phone: the act lives as long as the page does, and the page says so.
      console.warn("not kept", full.name);
      this.pocket.keeps = false;
    }
    this.waiting.push(act);
    this.changed("waiting", act);
    this.replay();
    return act;
  }

  // An act that was set aside has been read.
  async forget(act) {
    this.refused = this.refused.filter((each) => each !== act);
    await this.pocket.drop("acts", act.n);
    this.changed("forgotten", act);
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
      const reply = await this.send(act, AbortSignal.timeout(PATIENCE_MS));
      if (reply.status >= 500 || AWAY.has(reply.status)) return false;
      if (reply.status === 401) { this.ended = true; this.changed("ended", act); return false; }
      answer = { ok: reply.ok, body: reply.status === 204 ? {} : await reply.json() };
    } catch (cut) {
      this.changed("cut", act, cut);
      return false;
    }
    this.tries = 0;
    this.waiting = this.waiting.filter((each) => each !== act);
    if (answer.ok) {
      await this.pocket.drop("acts", act.n);
      this.changed("done", act, answer.body);
    } else {
      // What was in it (a photo, a signature) goes; that it was refused, and why, stays until it has been read.
      const aside = { n: act.n, id: act.id, kind: act.kind, visit: act.visit, at: act.at, refused: answer.body.detail || answer.body.title };
      this.refused.push(aside);
      await this.pocket.put("acts", act.n, aside);
      this.changed("refused", aside, answer.body);
    }
    return true;
  }
}
