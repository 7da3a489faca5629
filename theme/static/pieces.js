// The scripts of an interactive piece are loaded when it comes near the window: a page opens quickly, and
// nobody loads a network of a megabyte for a piece that they don't look at.

/** @param {Element} piece */
function loadPiece(piece) {
  for (const place of piece.querySelectorAll("script[data-later]")) {
    const script = document.createElement("script");
    script.src = place.getAttribute("data-later") ?? "";
    script.async = false; // one after another, as they stand
    place.replaceWith(script);
  }
}

const pieceNear = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      pieceNear.unobserve(target);
      loadPiece(target);
    }
  },
  { rootMargin: "800px" },
);
for (const piece of document.querySelectorAll(".lessonlib-piece")) pieceNear.observe(piece);
