"use strict";
// Shows the results that the filters leave, and opens the one that the address names.
const results = [...document.querySelectorAll(".result")];
const search = document.getElementById("search");
const level = document.getElementById("level");
const revision = document.getElementById("revision");
const boxes = [...document.querySelectorAll("input[name=verdict]")];
const texts = new Map(results.map((result) => [result, (result.closest(".rule").id + " " + result.textContent).toLowerCase()]));

function filter() {
  const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const result of results) {
    const data = result.dataset;
    const fits =
      verdicts.has(data.verdict) &&
      (!level.value || data.level === level.value) &&
      (!revision.value || data.revision === revision.value) &&
      words.every((word) => texts.get(result).includes(word));
    result.hidden = !fits;
    shown += fits;
  }
  for (const group of document.querySelectorAll(".rule, .topic")) {
    group.hidden = !group.querySelector(".result:not([hidden])");
  }
  document.getElementById("shown").textContent = shown + " of " + results.length + " results";
}

function goToAddress() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (const element of [target, target.closest(".rule"), target.closest(".topic"), ...target.querySelectorAll(".result")]) {
    if (element) element.hidden = false;
  }
  if (target.matches(".result")) target.open = true;
  target.scrollIntoView();
}

const filters = document.getElementById("filters");
filters.hidden = false;
filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", goToAddress);
filter();
goToAddress();
