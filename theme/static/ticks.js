// The reader's own ticks: a box at the end of each section of a chapter, and one below each question of
// its quiz. The browser keeps them, under one key of its localStorage, and the map of the first page
// counts them. Without JavaScript, in print and in the PDF there is nothing of this.
(() => {
  const KEY = "reading-digits-ticks"; // a name of its own: pages opened as files may share one store
  const KEEPS_NONE = "Your browser keeps no ticks for this page.";
  /** @typedef {{sections: string[], questions: string[]}} Places of ticks in a chapter, by their ids */
  /** @type {((ticks: Set<string>) => void)[]} each shows the ticks in its part of the page */
  const parts = [];

  /** @returns {string[]} what is ticked, each as "1-history#a-unit-that-learns" */
  function read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
      return Array.isArray(kept) ? kept : [];
    } catch {
      return []; // no store, or something else under this key
    }
  }

  /** @param {string[]} ticks @returns {boolean} whether the browser keeps them */
  function keep(ticks) {
    try {
      if (ticks.length) localStorage.setItem(KEY, JSON.stringify(ticks));
      else localStorage.removeItem(KEY);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Make an element with a class.
   *
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {string} name of the class
   * @param {...(Node | string)} children
   */
  function element(tag, name, ...children) {
    const made = document.createElement(tag);
    made.className = name;
    made.append(...children);
    return made;
  }

  /** Make the place of a message, which a screen reader says when it appears. */
  function message() {
    const made = element("span", "course-message");
    made.setAttribute("role", "status");
    return made;
  }

  /**
   * Put a box into the page.
   *
   * @param {Element} place it becomes the last of its children
   * @param {string} tick
   * @param {string} words what a tick says
   */
  function addBox(place, tick, words) {
    const box = element("input", "");
    const said = message();
    box.type = "checkbox";
    box.addEventListener("change", () => {
      const others = read().filter((one) => one !== tick); // another tab may have added some
      const kept = keep(box.checked ? [...others, tick] : others);
      said.textContent = kept ? "" : KEEPS_NONE;
      show();
    });
    place.append(element("p", "course-tick", element("label", "", box, words), said));
    parts.push((ticks) => (box.checked = ticks.has(tick)));
  }

  /** @param {string} chapter as "1-history" */
  function addBoxes(chapter) {
    for (const heading of document.querySelectorAll("article section[id]:not(#quiz) > h2")) {
      const section = /** @type {Element} */ (heading.parentElement);
      const words = /** @type {Element} */ (heading.cloneNode(true));
      words.querySelector(".headerlink")?.remove();
      addBox(section, `${chapter}#${section.id}`, `Read: ${words.textContent?.trim()}`);
    }
    document.querySelectorAll("article .lessonlib-quiz > ol > li").forEach((question, place) => {
      addBox(question, `${chapter}#question-${place + 1}`, `Answered: question ${place + 1}`);
    });
  }

  /**
   * Let the map count the ticks, and add the button that forgets them.
   *
   * @param {Record<string, Places>} chapters
   */
  function addCounts(chapters) {
    for (const [chapter, places] of Object.entries(chapters)) {
      const link = document.querySelector(`article td a[href^="${chapter}.html"]`);
      const count = element("span", "course-count");
      link?.after(count);
      parts.push((ticks) => (count.textContent = counted(ticks, chapter, places)));
    }
    const forget = element("button", "", "Forget my ticks");
    const said = message();
    forget.type = "button";
    forget.addEventListener("click", () => {
      said.textContent = keep([]) ? "They are forgotten." : KEEPS_NONE;
      show();
    });
    const words = "When you have read a section, tick the box at its end. The map counts your ticks.";
    const table = document.querySelector("article .course-count")?.closest("table");
    table?.parentElement?.after(element("p", "course-forget", words, forget, said));
  }

  /**
   * Count a chapter's ticks in words, if it has any.
   *
   * @param {Set<string>} ticks
   * @param {string} chapter
   * @param {Places} places
   */
  function counted(ticks, chapter, { sections, questions }) {
    const [read, answered] = [sections, questions].map(
      (ids) => ids.filter((id) => ticks.has(`${chapter}#${id}`)).length,
    );
    if (!read && !answered) return "";
    return `${read} of ${sections.length} sections, ${answered} of ${questions.length} questions`;
  }

  /** Show what is ticked. */
  function show() {
    const ticks = new Set(read());
    for (const part of parts) part(ticks);
  }

  const chapter = /\/(\d+-[\w-]+)(\.html)?$/.exec(location.pathname);
  const map = document.querySelector("script[data-ticks]"); // theme/course_theme.py puts it there
  if (chapter) addBoxes(chapter[1]);
  if (map) addCounts(JSON.parse(map.textContent ?? ""));
  show();
  addEventListener("pageshow", show); // the reader has come back to a page that was kept as it was
  addEventListener("storage", show); // another tab has changed them
})();
