import assert from "node:assert/strict";
import {test} from "node:test";

import {parseLine} from "../../../static/text/inline.js";

/** A short way to write what is expected: strong as ["b", …], emphasis as ["i", …], and so on. */
function short(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return node;
    if (node.kind === "link") return {[node.text]: node.href};
    if (node.kind === "code") return ["code", node.text];
    if (node.kind === "formula") return [node.isBlock ? "$$" : "$", node.text];
    return [node.kind === "strong" ? "b" : "i", ...short(node.children)];
  });
}

/** Neighbouring strings are one. */
function joined(nodes) {
  return nodes.reduce((all, node) => {
    if (typeof node === "string" && typeof all.at(-1) === "string") return [...all.slice(0, -1), all.at(-1) + node];
    return [...all, Array.isArray(node) && ["b", "i"].includes(node[0]) ? [node[0], ...joined(node.slice(1))] : node];
  }, []);
}

const read = (line) => joined(short(parseLine(line)));

const CASES = {
  "bold, italics and code": [
    ["**Prova** na *sexta*, leiam `a[0]`", [["b", "Prova"], " na ", ["i", "sexta"], ", leiam ", ["code", "a[0]"]]],
    ["**muito *muito* importante**", [["b", "muito ", ["i", "muito"], " importante"]]],
    ["***ambos***", [["b", ["i", "ambos"]]]],
    ["(**Atenção**)", ["(", ["b", "Atenção"], ")"]],
    ["``a`b``", ["`", ["code", "a"], "b``"]],
    ["```x = 1```", [["code", "x = 1"]]],
    ["`**não**`", [["code", "**não**"]]],
  ],
  "asterisks of sums, of programs and without a partner are text": [
    "2*3*4 = 24",
    "a * b * c",
    "2**3**4",
    "5 * 3",
    "**aberto",
    "fechado**",
    "* item",
    "****",
    "**",
    "** a **",
    "*",
  ].map((text) => [text, [text]]),
  "of an asterisk that is opened twice the newer counts": [["*a e *b*", ["*a e ", ["i", "b"]]]],
  "what is closed in the wrong order is text within": [["**a *b** c*", [["b", "a *b"], " c*"]]],
  "formulas between dollar signs": [
    ["Se $x^2 = 4$, então", ["Se ", ["$", "x^2 = 4"], ", então"]],
    ["$$\\frac{a}{b}$$", [["$$", "\\frac{a}{b}"]]],
    ["custa $a\\$b$", ["custa ", ["$", "a\\$b"]]],
    ["$a*b*c$ e *d*", [["$", "a*b*c"], " e ", ["i", "d"]]],
  ],
  "sums of money are no formulas": [
    "R$ 5 e R$ 10",
    "R$5,00 ou R$10,00",
    "US$5 e US$6",
    "$5 and $10",
    "custa $5, **não** $6".replaceAll("*", ""),
    "20$00 e 30$00",
    "$ a $",
    "$$",
    "$$$$",
    "$",
  ].map((text) => [text, [text]]),
  "what only looked like a formula has marks of its own": [["custa $5, **não** $6", ["custa $5, ", ["b", "não"], " $6"]]],
  "web addresses": [
    ["veja https://exemplo.org/a?b=c#d.", ["veja ", {"https://exemplo.org/a?b=c#d": "https://exemplo.org/a?b=c#d"}, "."]],
    ["(https://pt.wikipedia.org/wiki/Pi_(letra))", ["(", {"https://pt.wikipedia.org/wiki/Pi_(letra)": "https://pt.wikipedia.org/wiki/Pi_(letra)"}, ")"]],
    ["**http://a.example/x**", [["b", {"http://a.example/x": "http://a.example/x"}]]],
    ["escola.com.br/aula", [{"escola.com.br/aula": "https://escola.com.br/aula"}]],
    ["www.gov.br, e já", [{"www.gov.br": "https://www.gov.br"}, ", e já"]],
    ["exemplo.org:8080/x?y", [{"exemplo.org:8080/x?y": "https://exemplo.org:8080/x?y"}]],
  ],
  "e-mail addresses, files and sentences without a space are no links": [
    "ana.silva@escola.com.br",
    "escola.com@exemplo",
    "lista.py e relatorio.final.pdf",
    "Acabou.Agora é outra coisa",
    "fim.de semana",
    "versão 1.2.3",
    "Fim.Com ela",
    "exemplo.comida",
    "exemplo.com1",
    "ãexemplo.com",
    "https://",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://exemplo",
  ].map((text) => [text, [text]]),
  "no address goes on past a mark that turns the direction": [
    ["https://a.example/\u202egpj.exe", [{"https://a.example/": "https://a.example/"}, "\u202egpj.exe"]],
  ],
  "other scripts and emoji": [
    ["**שלום** *你好* 👩🏽‍🏫", [["b", "שלום"], " ", ["i", "你好"], " 👩🏽‍🏫"]],
    ["👍**sim**", ["👍", ["b", "sim"]]],
    ["𝒳*a*", ["𝒳*a*"]], // a letter of two code units
  ],
};

for (const [name, cases] of Object.entries(CASES)) {
  test(name, () => {
    for (const [line, expected] of cases) assert.deepEqual(read(line), expected, line);
  });
}

/** Everything that was written, in order, and nothing else. */
function source(nodes) {
  return nodes.map((node) => (typeof node === "string" ? node : node.text ?? source(node.children))).join("");
}

test("no character is lost or added but the marks", () => {
  const signs = ["*", "**", "`", "$", "$$", " ", "a", "1", "http://a.br", "b.com", ".", "\\", "é", "😀", "<b>", "("];
  let seed = 7;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648);
  for (let round = 0; round < 3000; round += 1) {
    const line = Array.from({length: 12}, () => signs[next() % signs.length]).join("");
    const strip = (text) => text.replace(/[*`$ ]/g, "");
    assert.equal(strip(source(parseLine(line))), strip(line), line);
  }
});

// With the square of its length one such line would take minutes.
test("a hostile line of any length is read in linear time", {timeout: 120_000}, () => {
  const hostile = ["*a ", "**a *b ", "`a", "$a ", "$$a", "\\$", "a.", "a.b@", "http://", "http://a)", "www.", "(", "***a", "*a* **b", "1.com"];
  for (const piece of hostile) parseLine(piece.repeat(Math.ceil(200_000 / piece.length)));
});
