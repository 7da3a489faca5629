// What the page of a deck asks of MathJax and reveal.js. They lie beside it.

window.MathJax = {
  options: { enableMenu: false }, // it would load parts that are not in the one file
};

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
    // The arrow keys belong to an interactive piece while one of its parts has the focus.
    keyboardCondition: () => !document.activeElement?.closest(".piece"),
  });
}
