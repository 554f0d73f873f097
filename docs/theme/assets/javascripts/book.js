// Conveniences; every page is whole without them.

// The language switch keeps the reader's place: headings have the same ids in
// both editions. Without this it leads to the top of the page.
document.addEventListener("click", event => {
  const link = event.target.closest("a.book-language")
  if (!link) return
  const passed = [...document.querySelectorAll("article :is(h2, h3)[id]")]
    .filter(heading => heading.getBoundingClientRect().top < 160)
  link.hash = passed.length ? passed.pop().id : ""
})

// A line of code that a phone breaks goes on at its own indent.
for (const line of document.querySelectorAll(".highlight code > [id^=line-]")) {
  const indent = line.textContent.search(/\S/)
  if (indent > 0) line.style.setProperty("--indent", Math.min(indent, 12))
}

// A phone may break what was printed only where there are no columns to keep.
for (const code of document.querySelectorAll(".highlight.output code"))
  code.classList.toggle("prose", !/\S {2,}\S|[─━│┃]|^ *\[\[/m.test(code.textContent))

// Names that Material leaves out, for readers who listen; keys for what scrolls.
const search = document.querySelector(".md-search")
search?.setAttribute("aria-label", search.querySelector("input").placeholder)
addEventListener("load", () => {
  for (const formula of document.querySelectorAll("div.formula"))
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0
  for (const buttons of document.querySelectorAll(".md-code__nav")) buttons.role = "none"
})
