// Turn a drawn page into sheets: free its tables from the boxes in which they scroll, put the heading above it and the figures below.
([heading, figures, style, sheetHeight]) => {
  const set = (node, values) => {
    for (const [name, value] of Object.entries(values)) node.style.setProperty(name, value, "important");
  };
  const free = { height: "auto", "min-height": "0", "max-height": "none", overflow: "visible" };
  for (const box of document.querySelectorAll(".slice_container")) {
    const [first, second] = box.querySelectorAll("table");
    if (!first) continue;
    if (second) {  // a header that stays in place while the body scrolls is a table of its own; in one table, each sheet repeats it
      second.tBodies[0].before(first.tHead);
      first.parentElement.remove();
    }
    for (let node = (second || first).parentElement; !node.matches(".grid-row"); node = node.parentElement) set(node, free);
    box.closest(".dragdroppable-column").classList.add("holds-table");
  }
  for (let node = document.querySelector(".grid-row").parentElement; node !== document.documentElement; node = node.parentElement) {
    set(node, { ...free, display: "block", position: "static", width: "auto", background: "none" });
  }
  for (const row of document.querySelectorAll(".grid-row")) row.classList.toggle("fits", row.offsetHeight <= sheetHeight);
  document.head.insertAdjacentHTML("beforeend", `<style>${style}</style>`);
  document.body.insertAdjacentHTML("afterbegin", heading);
  document.body.insertAdjacentHTML("beforeend", figures);
}
