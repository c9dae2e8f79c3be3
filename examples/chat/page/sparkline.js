// The last minute of a rate, as a line in an SVG element. Colours come from the style sheet.

const SVG = "http://www.w3.org/2000/svg";

export class Sparkline {
  #samples;
  #area = document.createElementNS(SVG, "path");
  #line = document.createElementNS(SVG, "path");
  #width;
  #height;

  /** `samples` values fill the width of `svg`. */
  constructor(svg, samples = 60) {
    this.#samples = new Array(samples).fill(0);
    ({ width: this.#width, height: this.#height } = svg.viewBox.baseVal);
    this.#area.setAttribute("class", "area");
    this.#line.setAttribute("class", "line");
    svg.append(this.#area, this.#line);
    this.#draw();
  }

  /** Adds a value at the right and drops the oldest. */
  push(value) {
    this.#samples.push(value);
    this.#samples.shift();
    this.#draw();
  }

  #draw() {
    const top = Math.max(4, ...this.#samples); // a quiet node shows a flat line, not noise
    const step = this.#width / (this.#samples.length - 1);
    const points = this.#samples.map((value, i) => {
      const y = this.#height - 2 - (value / top) * (this.#height - 6);
      return `${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    });
    const path = `M${points.join("L")}`;
    this.#line.setAttribute("d", path);
    this.#area.setAttribute("d", `${path}L${this.#width} ${this.#height}L0 ${this.#height}Z`);
  }
}
