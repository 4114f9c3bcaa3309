// Numbers and sizes as the page's language writes them, and the sentences the server sent along for this form.
const lang = document.documentElement.lang;
const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
const list = new Intl.ListFormat(lang, { type: "conjunction" });
const units = ["B", "kB", "MB", "GB", "TB"];

export function size(bytes) {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${number.format(bytes / 1000 ** power)} ${units[power]}`;
}

export const listed = (words) => list.format(words);

// `say` fills a sentence, in the singular or the plural where there are both; `has` tells whether there is one of that name.
export function words(form) {
  const texts = JSON.parse(form.querySelector(".upload-texts").textContent);
  const say = (name, values = {}) => {
    const text = typeof texts[name] === "string" ? texts[name] : texts[name][values.n === 1 ? 0 : 1];
    return text.replace(/\{(\w+)\}/g, (_, value) => values[value]);
  };
  return { say, has: (name) => Object.hasOwn(texts, name) };
}

export function duration(say, seconds) {
  if (seconds >= 5400) return say("hours", { n: number.format(seconds / 3600) });
  return seconds >= 90 ? say("minutes", { n: Math.round(seconds / 60) }) : say("seconds", { n: Math.max(1, Math.round(seconds)) });
}

// Bytes a second over the last ten seconds; 0 until there is enough to tell from.
export function speedometer() {
  let seen = [];
  return (bytes) => {
    const now = performance.now();
    if (seen.length && bytes < seen.at(-1)[1]) seen = [];
    seen.push([now, bytes]);
    while (now - seen[0][0] > 10000) seen.shift();
    const took = (now - seen[0][0]) / 1000;
    return took > 1 ? (bytes - seen[0][1]) / took : 0;
  };
}
