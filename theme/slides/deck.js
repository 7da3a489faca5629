// What the page of a deck asks of MathJax and reveal.js, and how its slides show interactive pieces.
// All of it lies beside the deck. pieces.js, which is the book's, has `loadPiece`. It stands in the head,
// where it finds no piece to watch: a deck says itself when one is loaded.

window.MathJax = {
  options: { enableMenu: false }, // it would load parts that are not in the one file
};

// Scales of a piece, whose letters are 18 pixels high at first. The largest makes them nearly as high
// as a slide's text; below the smallest nobody reads them from a back row, so the piece scrolls.
const LARGEST = 1.5;
const SMALLEST = 0.75;
const HALVINGS = 7; // of the range between the two: to less than a hundredth

/**
 * Scale a piece as large as its room on the slide allows. The larger the letters, the narrower is the
 * page on which it is laid out, so a few scales are tried.
 *
 * @param {HTMLElement} room
 */
function fitPiece(room) {
  const piece = /** @type {HTMLElement} */ (room.firstElementChild);
  /** @param {number} scale @returns {boolean} whether the piece has room at this scale */
  function fits(scale) {
    piece.style.width = `${room.offsetWidth / scale}px`; // with the scroll bar, which may stand there now
    piece.style.transform = `scale(${scale})`;
    return !isTooTall(room);
  }
  room.scrollTop = 0;
  if (!room.clientHeight || fits(LARGEST)) return; // a hidden slide has no height
  let [low, high] = [SMALLEST, LARGEST];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  fits(low);
}

/** @param {HTMLElement} room of a piece @returns {boolean} */
function isTooTall(room) {
  return room.scrollHeight > room.clientHeight;
}

/**
 * Fit a piece anew when its still picture gives way to it, and when it has grown too tall. It isn't
 * enlarged while somebody uses it.
 *
 * @param {HTMLElement} room
 */
function watchPiece(room) {
  const piece = /** @type {HTMLElement} */ (room.firstElementChild);
  const live = { attributeFilter: ["data-live"] };
  new MutationObserver(() => fitPiece(room)).observe(piece, live);
  new ResizeObserver(() => {
    if (isTooTall(room)) fitPiece(room);
  }).observe(piece);
}

/** @returns {Element | null} the part of a piece that has the focus */
function focusInPiece() {
  const part = document.activeElement;
  return part?.closest(".piece") ? part : null;
}

/**
 * Give the keys back to the slides where a piece has no use for them: at Escape, at the keys of a
 * presenter's remote control, and at Space on a slider.
 *
 * @param {KeyboardEvent} event
 */
function leavePiece(event) {
  const part = /** @type {HTMLElement | null} */ (focusInPiece());
  const slides = ["Escape", "PageUp", "PageDown"].includes(event.key);
  if (!part || !(slides || (event.key === " " && part.matches("[type=range], [role=slider]")))) return;
  part.blur();
  if (event.key === "Escape") event.stopPropagation(); // the slides' own Escape shows all of them
}

/** After a click the next key means the slides, unless a field or a slider was clicked, which keys change. */
function releaseKeys() {
  const part = /** @type {HTMLElement | null} */ (focusInPiece());
  const isChanged = part?.matches("input:not([type=checkbox], [type=file]), select, [role=slider]");
  if (!isChanged && !part?.matches(":focus-visible")) part?.blur();
}

function startDeck() {
  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    controls: false, // the keys do it, and the arrows would stand on the slide's number
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    pdfSeparateFragments: false,
    plugins: [RevealNotes],
    // The keys belong to an interactive piece while one of its parts has the focus.
    keyboardCondition: () => !focusInPiece(),
  });
  const rooms = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".piece"));
  rooms.forEach(watchPiece);
  Reveal.on("ready", showPieces);
  Reveal.on("slidechanged", showPieces);
  Reveal.on("pdf-ready", () => rooms.forEach(fitPiece));
  document.addEventListener("keydown", leavePiece, true);
  document.addEventListener("click", releaseKeys);
}

/** Load and fit the pieces of the slide that is shown; on paper their still pictures stay. */
function showPieces() {
  if (Reveal.isPrintView()) return;
  /** @type {HTMLElement | null} */ (focusInPiece())?.blur(); // it is on a slide that has gone
  for (const room of Reveal.getCurrentSlide().querySelectorAll(".piece")) {
    loadPiece(room);
    fitPiece(room);
  }
}
