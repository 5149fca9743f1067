(() => {
  "use strict";
  const holder = document.getElementById("findings-data");
  if (!holder) return;

  const open = (element) => {
    for (let at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  const reveal = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const target = name && !name.includes("=") ? document.getElementById(name) : null;
    if (!target) return;
    open(target);
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(source);
    try {
      await navigator.clipboard.writeText(source.innerText);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    } catch {
      button.textContent = "Selected: copy it with Ctrl+C";
    }
  };

  // A spreadsheet runs a text that begins so as a formula, also inside quotes.
  const harmless = (value) => (typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
  const quoted = (value) => `"${String(harmless(value) ?? "").replaceAll('"', '""')}"`;
  const csv = (rows) => rows.map((row) => row.map(quoted).join(",")).join("\r\n");
  const read = () => {
    const { methods, estimate_columns: names, ...data } = JSON.parse(holder.textContent);
    const whole = (row) => Object.fromEntries(names.map((name, i) => [name, name === "method" ? methods[row[i]] : row[i]]));
    for (const one of data.sections)
      for (const finding of one.findings) if (finding.estimates) finding.estimates = finding.estimates.map(whole);
    return [data, names];
  };
  const findings = (data) => data.sections.flatMap((one) => one.findings.map((finding) => [one, finding]));
  const numbers = ([data, names]) => {
    const rows = findings(data).flatMap(([one, finding]) =>
      (finding.estimates ?? []).map((e) => [one.name, finding.code, ...names.map((name) => e[name])]));
    return csv([["section", "finding", ...names], ...rows]);
  };
  const tables = ([data]) =>
    findings(data).flatMap(([one, finding]) => (finding.tables ?? []).map((table) =>
      csv([[one.name, finding.code, table.title], table.columns, ...table.rows]))).join("\r\n\r\n");
  const made = {
    json: () => ["findings.json", "application/json", JSON.stringify(read()[0], null, 1)],
    numbers: () => ["numbers.csv", "text/csv", numbers(read())],
    tables: () => ["tables.csv", "text/csv", tables(read())],
  };
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  const download = (button) => save(...made[button.dataset.download]());

  // A long table: the page shows its first rows, the data of the page hold all.
  const whole = ({ section, finding, table }) =>
    findings(read()[0]).find(([one, { code }]) => one.name === section && code === finding)[1].tables[table];
  const told = (value, decimals) => {
    if (value === null) return "–";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return value;
    return (decimals || !Number.isInteger(value) ? value.toFixed(3) : value.toLocaleString("en")).replace("-", "−");
  };
  const lengthen = (rest) => {
    const holder = rest.previousElementSibling, body = holder.querySelector("tbody"), { rows, columns } = whole(rest.dataset);
    const decimals = columns.map((_, c) => [...body.rows].every((row) => /^(−?\d+\.\d{3}|–)$/.test(row.cells[c].textContent)));
    for (const values of rows.slice(body.rows.length)) {
      const row = body.insertRow();
      values.forEach((value, c) => {
        const cell = row.insertCell();
        cell.textContent = told(value, decimals[c]);
        if (["number", "boolean"].includes(typeof value)) cell.className = "n";
        else if (value !== null && value.length <= 12) cell.className = "short";
      });
    }
    rest.firstElementChild.textContent = `All ${rows.length.toLocaleString("en")} rows.`;
    rest.querySelector("[data-rows=show]").remove();
    holder.focus();
  };
  const takeRows = ({ dataset }) => {
    const { columns, rows } = whole(dataset);
    save(`${dataset.section}-${dataset.finding}-table-${Number(dataset.table) + 1}.csv`, "text/csv", csv([columns, ...rows]));
  };
  for (const button of document.querySelectorAll("button[data-rows]")) {
    button.hidden = false;
    button.addEventListener("click", () => (button.dataset.rows === "show" ? lengthen : takeRows)(button.parentElement));
  }

  for (const button of document.querySelectorAll("button[data-copy], button[data-download]")) {
    button.hidden = false;
    button.addEventListener("click", () => (button.dataset.copy ? copy(button) : download(button)));
  }
})();
