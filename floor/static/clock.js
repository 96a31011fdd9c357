// The hall's clock on the wall, in its own time zone, said the way the rest of the page says it.

function format(lang, timeZone, options, now) {
  return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { timeZone, ...options }).format(now);
}

// "14:05"
export function timeWords(lang, timeZone, now) {
  return format(lang, timeZone, { hour: "2-digit", minute: "2-digit", hour12: false }, now);
}

// "11月21日 周六", "Sat 21 Nov"
export function dateWords(lang, timeZone, now) {
  const day = format(lang, timeZone, { month: lang === "en" ? "short" : "long", day: "numeric" }, now);
  const weekday = format(lang, timeZone, { weekday: "short" }, now);
  return lang === "en" ? `${weekday} ${day}` : `${day} ${weekday}`;
}
