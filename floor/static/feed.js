// A board's memory: the lines, the counts and the place in the feed, by the rules of hall.v1.
//
// take(frame) says what became of a frame: "snapshot", "event", "old" (ignored) or "gap" (ask for a snapshot).

const LIVE_MS = 20_000;     // only a call younger than this may flash

export class Board {
  constructor() {
    this.epoch = null;
    this.offset = null;
    this.lost = true;           // until a snapshot tells how things are
    this.skew = 0;              // the hall's clock less ours, in ms
    this.lines = [];            // newest call first
    this.waiting = {};
    this.windows = {};
    this.notices = [];
    this.fresh = null;          // the call that may flash: {ticket, window}
  }

  take(frame) {
    this.fresh = null;
    if (frame.type === "snapshot") { this.#redraw(frame); return "snapshot"; }
    if (this.lost) return "gap";
    if (frame.offset <= this.offset) return "old";
    if (frame.prev !== this.offset) { this.lost = true; return "gap"; }
    this.offset = frame.offset;
    this.#apply(frame.kind, frame.data, frame.at);
    return "event";
  }

  // The hall's own time in ms, as last heard.
  now() { return Date.now() + this.skew; }
  heard(at) { this.skew = Date.parse(at) - Date.now(); }

  #redraw({ epoch, offset, board }) {
    this.lines = board.lines;
    this.waiting = board.waiting;
    this.windows = board.windows ?? {};
    this.notices = board.notices;
    if (offset !== undefined) Object.assign(this, { epoch, offset, lost: false });
  }

  #apply(kind, data, at) {
    const act = { called: this.#call, recalled: this.#call, arrived: this.#arrive, cleared: this.#clear, notice: this.#note }[kind];
    act?.call(this, data, at);
    if (kind.startsWith("window_")) this.windows[data.window] = { opened: "open", resumed: "open", paused: "paused", closed: "closed" }[kind.slice(7)];
    if (kind === "waiting") this.waiting[data.service] = data.count;
    if (data.waiting) Object.assign(this.waiting, data.waiting);
  }

  #call(data, at) {
    this.#clear(data);
    this.lines.unshift({ ticket: data.ticket, window: data.window, at, state: "called" });
    if (this.now() - Date.parse(at) < LIVE_MS) this.fresh = { ticket: data.ticket, window: data.window };
  }

  #arrive(data, at) {
    const line = this.lines.find((one) => one.ticket === data.ticket);
    if (line) line.state = "serving";
    else this.lines.unshift({ ticket: data.ticket, window: data.window, at, state: "serving" });
  }

  #clear(data) {
    this.lines = this.lines.filter((line) => line.ticket !== data.ticket);
  }

  #note(data) {
    this.notices = data.text ? [data.text] : [];
  }
}
