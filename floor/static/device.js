// A browser as one of the hall's machines: hall.v1 from greeting to close, with its jobs kept through a reload.
//
// link = new DeviceLink({ device, kind, caps, onFrame, onJob, onState })
//   onFrame(frame)   a snapshot or an event of the feed; return false to ask for a snapshot
//   onJob(job)       do it, then link.report(job.job, "done" | "failed", detail)
//   onState(state)   "live", "waiting", "unpaired", "replaced", "update"
//   onHeard()        any frame came
//   onConfig(data)   the hall's settings for this machine

import { backOff } from "./live.js";

const AGENT = "browser 1";
const SILENT_MS = 25_000;
const SILENT = 4003;
const RESET_MS = 60_000;
const GOT_MS = 2_000;
const PENDING_MS = 15_000;
const KEPT = 60;
const REFUSED = 2;          // dials in a row that were never welcomed: is this browser still the machine it was?

// What a close code asks of us (hall.v1, 10). Anything else: back off.
const STOP = { 4501: "unpaired", 4503: "update" };
const PAUSE_MS = { 1009: 60_000, 4005: 30_000, 4502: 60_000, 4504: 300_000 };

export class DeviceLink {
  constructor(options) {
    Object.assign(this, { feed: null, ...options });
    this.boot = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    this.ledger = new Ledger(this.device);
    this.tries = 0;
    this.refused = 0;
    this.gen = null;
    this.answers = new Map();
    this.dial();
    setInterval(() => this.#watch(), 1000);
  }

  dial() {
    const address = new URL("/devices/link", document.querySelector('meta[name="hall-link"]').content);
    address.searchParams.set("device", this.device);
    const socket = this.socket = new WebSocket(address, "hall.v1");
    this.heard = performance.now();
    this.beaten = 0;
    this.next = 1;
    this.liveSince = null;
    this.leave = null;
    socket.onopen = () => { this.heard = performance.now(); this.#greet(); };
    socket.onmessage = (message) => { if (socket === this.socket) this.#receive(JSON.parse(message.data)); };
    socket.onclose = (closing) => { if (socket === this.socket) this.#closed(closing.code); };
  }

  get live() { return this.liveSince !== null; }

  // Send a frame with the next id; the answer (ok or error) resolves it, a cut rejects it.
  ask(type, fields) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      if (!this.live) { reject(new Error("no link")); return; }
      const late = setTimeout(() => this.#settle(id, null), PENDING_MS);
      this.answers.set(id, { resolve, reject, late });
      this.#send({ type, id, ...fields });
    });
  }

  report(job, state, detail = null) {
    this.ledger.note(job, state, detail);
    this.#tellState(job);
  }

  #send(frame) { if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame)); }

  #greet() {
    const hello = { type: "hello", id: this.next++, boot: this.boot, agent: AGENT, caps: this.caps, at: new Date().toISOString(), open: this.ledger.open() };
    if (this.feed?.epoch && !this.forgetful) hello.feed = { epoch: this.feed.epoch, offset: this.feed.offset };
    this.forgetful = false;
    this.#send(hello);
  }

  #receive(frame) {
    this.heard = performance.now();
    if (this.live) this.onHeard?.();
    const act = {
      welcome: this.#welcome, snapshot: this.#board, event: this.#board, job: this.#job, beat_ok: this.#beatOk, config: this.#config,
      rotate: this.#rotate, bye: this.#bye, ok: this.#answer, error: this.#answer,
    }[frame.type];
    if (act) act.call(this, frame);
    else if (!frame.opt) this.#send({ type: "error", re: frame.id ?? null, code: "unknown_type", message: `unknown type ${frame.type}`, retry: false });
  }

  #welcome(frame) {
    Object.assign(this, { gen: frame.gen, beatMs: frame.beat_s * 1000, liveSince: performance.now(), refused: 0 });
    this.feed?.heard(frame.at);
    this.onState(frame.status === "pending" ? "waiting" : "live");
    this.#beat();
    this.#send({ type: "health", id: this.next++, parts: { link: { state: "ok" } } });
    this.ledger.unsent().forEach((job) => this.#tellState(job));
  }

  #board(frame) {
    if (this.onFrame(frame) === false) {
      if (!this.asked) this.#send({ type: "resync", id: this.next++ });
      this.asked = true;
    } else if (frame.type === "snapshot") this.asked = false;
    if (frame.type === "event") this.owesGot = true;
  }

  #job(frame) {
    if (frame.gen !== this.gen) return;
    const known = this.ledger.state(frame.job);
    if (known) { this.#tellState(frame.job); return; }
    if (!this.caps.includes(frame.kind)) { this.report(frame.job, "refused"); return; }
    if (Date.parse(frame.expires) <= (this.feed?.now() ?? Date.now())) { this.report(frame.job, "expired"); return; }
    this.ledger.start(frame);
    this.#tellState(frame.job);
    this.onJob(frame);
  }

  #tellState(job) {
    const kept = this.ledger.get(job);
    if (!this.live) return;
    const fields = { job, state: kept.state, at: kept.at };
    if (kept.detail) fields.detail = kept.detail;
    this.ask("job_report", fields).then((answer) => { if (answer?.type === "ok") this.ledger.sent(job, kept.state); }, () => {});
  }

  #beat() {
    this.beaten = performance.now();
    const beat = { type: "beat", id: this.next++, sent: new Date().toISOString(), state: "online" };
    if (this.feed?.offset != null) beat.offset = this.feed.offset;
    if (this.trip !== undefined) Object.assign(beat, { rtt_ms: this.trip, offset_ms: this.feed?.skew ?? 0 });
    this.#send(beat);
  }

  #beatOk(frame) {
    this.trip = Math.round(performance.now() - this.beaten);
    this.feed?.heard(frame.sent);
  }

  #config(frame) {
    if (frame.gen !== this.gen) return;
    this.onConfig?.(frame.data);
    this.#send({ type: "ok", re: frame.id });
  }

  // The secret lives in a cookie no script can read: the hall puts the new one there.
  async #rotate(frame) {
    const answer = await fetch("/pair/secret", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ device: this.device, secret: frame.secret }),
    }).catch(() => null);
    if (answer?.ok) this.#send({ type: "rotated", re: frame.id });
  }

  #bye(frame) { this.leave = frame; }

  #answer(frame) { if (frame.re !== null) this.#settle(frame.re, frame); }

  #settle(id, answer) {
    const waiting = this.answers.get(id);
    if (!waiting) return;
    clearTimeout(waiting.late);
    this.answers.delete(id);
    if (answer) waiting.resolve(answer);
    else waiting.reject(new Error("no answer"));
  }

  #watch() {
    const now = performance.now();
    if (this.socket.readyState > WebSocket.OPEN) return;
    if (now - this.heard > SILENT_MS) { this.#hangUp(); return; }
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.live && now - this.beaten >= this.beatMs) this.#beat();
    if (this.owesGot && now - (this.gotAt ?? 0) >= GOT_MS) {
      this.owesGot = false;
      this.gotAt = now;
      this.#send({ type: "got", offset: this.feed.offset });
    }
  }

  // A hall that has gone silent won't answer a goodbye either: nobody waits for it, and what it may still say is not heard.
  #hangUp() {
    Object.assign(this.socket, { onclose: null, onmessage: null, onopen: null });
    this.socket.close();
    this.#closed(SILENT);
  }

  #closed(code) {
    const lived = this.live ? performance.now() - this.liveSince : 0;
    this.refused = this.live ? 0 : this.refused + 1;
    this.liveSince = null;
    for (const id of [...this.answers.keys()]) this.#settle(id, null);
    if (lived > RESET_MS) this.tries = 0;
    if (code === 4004 && this.feed) this.forgetful = true;
    if (STOP[code]) { this.onState(STOP[code]); return; }
    this.onState(code === 4502 ? "replaced" : "waiting");
    const after = code === 4000 ? Math.random() * 1000 * (this.leave?.retry_s ?? 5) : PAUSE_MS[code] ?? backOff(Math.min(this.tries++, 5));
    setTimeout(() => this.#again(), after);
  }

  // A browser is not told why its dial was refused. One whose secret opens nothing any more would knock for ever.
  async #again() {
    if (this.refused >= REFUSED && !await this.#known()) this.onState("unpaired");
    else this.dial();
  }

  async #known() {
    const answer = await fetch(`/pair/known?device=${encodeURIComponent(this.device)}`, { cache: "no-store" }).catch(() => null);
    return answer?.status !== 401;
  }
}

// The jobs this browser knows, kept in its own storage so that a reload neither doubles nor forgets one.
class Ledger {
  constructor(device) {
    this.place = `hall.ledger.${device}`;
    this.jobs = JSON.parse(localStorage.getItem(this.place) ?? "{}");
  }

  get(job) { return this.jobs[job]; }
  state(job) { return this.jobs[job]?.state; }
  start(frame) { this.#keep(frame.job, { state: "started", at: new Date().toISOString(), frame, told: null }); }
  note(job, state, detail) { this.#keep(job, { ...this.jobs[job], state, at: new Date().toISOString(), detail, told: null }); }
  sent(job, state) { if (this.jobs[job]?.state === state) this.#keep(job, { ...this.jobs[job], told: state }); }
  open() { return Object.keys(this.jobs).filter((job) => this.jobs[job].state === "started"); }
  begun() { return this.open().map((job) => this.jobs[job]); }
  unsent() { return Object.keys(this.jobs).filter((job) => this.jobs[job].told !== this.jobs[job].state); }

  #keep(job, entry) {
    this.jobs[job] = entry;
    const names = Object.keys(this.jobs);
    for (const old of names.slice(0, Math.max(0, names.length - KEPT))) if (this.jobs[old].told === this.jobs[old].state) delete this.jobs[old];
    localStorage.setItem(this.place, JSON.stringify(this.jobs));
  }
}
