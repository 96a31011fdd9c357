// A name drawn with a finger, kept as a small PNG: strokes in ink on white, whatever the theme.

import { base64 } from "./camera.js";

const INK = "#111";
const WIDTH = 2.5;

export class Signature {
  constructor(canvas) {
    this.canvas = canvas;
    this.drawn = 0;     // px along the strokes: a touch by mistake is no signature
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.draw(event));
  }

  // The canvas has its size only once it is shown.
  clear() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.max(1, Math.round(width));
    this.canvas.height = Math.max(1, Math.round(height));
    this.pen = this.canvas.getContext("2d");
    this.pen.fillStyle = "#fff";
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    Object.assign(this.pen, { strokeStyle: INK, lineWidth: WIDTH, lineCap: "round", lineJoin: "round" });
    this.drawn = 0;
  }

  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.at = [event.offsetX, event.offsetY];
    event.preventDefault();
  }

  draw(event) {
    if (!event.buttons || !this.at) return;
    const to = [event.offsetX, event.offsetY];
    this.pen.beginPath();
    this.pen.moveTo(...this.at);
    this.pen.lineTo(...to);
    this.pen.stroke();
    this.drawn += Math.hypot(to[0] - this.at[0], to[1] - this.at[1]);
    this.at = to;
  }

  get signed() { return this.drawn > 60; }

  async picture() {
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
    return base64(blob);
  }
}
