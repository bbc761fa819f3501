"""Result facts in sentences, Indonesian and English, with the arithmetic written out (``results`` has the facts)."""

from __future__ import annotations

from typing import Final

from ledger.tally.facts.results import Gap, Result
from ledger.tally.facts.wording import Said, grouped, said
from ledger.tally.rules import Language

__all__ = ["GAP_WORDS", "OUT_WORDS", "explain_result"]

_TIMES: Final = "\N{MULTIPLICATION SIGN}"

GAP_WORDS: Final[dict[str, Said]] = {
    "missing": ("belum masuk", "not in yet"),
    "awaiting": ("menunggu PSU", "awaiting the revote"),
    "held": ("ditahan", "held"),
    "differing": ("dengan dua akun berbeda", "whose two seats differ"),
    "blank": ("dengan angka suara kosong atau tidak terbaca", "with a figure of votes blank or illegible"),
}
OUT_WORDS: Final[dict[str, Said]] = {
    "withdrawn": ("mengundurkan diri", "withdrawn"),
    "disqualified": ("dibatalkan pencalonannya", "disqualified"),
}

_SENTENCES: Final[dict[str, Said]] = {
    "final": ("Ditetapkan: {document}", "Determined: {document}"),
    "not-final": (
        "Belum ditetapkan; suara dari {whole} dari {expected} TPS",
        "Not determined yet; votes of {whole} of {expected} stations",
    ),
    "candidate": ("{number} {name}: {votes} ({share}%)", "{number} {name}: {votes} ({share}%)"),
    "bare": ("{number} {name}: {votes}", "{number} {name}: {votes}"),
    "out": (
        "{number} {name}, {out}: {votes} suara dihitung tidak sah",
        "{number} {name}, {out}: {votes} votes count as invalid",
    ),
    "valid": ("Suara sah: {terms} = {valid}", "Valid votes: {terms} = {valid}"),
    "forms": (
        'Baris "suara sah" pada formulir: {forms}; selisih {difference}',
        'The line "valid votes" of the forms: {forms}; difference {difference}',
    ),
    "invalid": (
        "Suara tidak sah: {invalid} + {out} = {total}",
        "Invalid votes: {invalid} + {out} = {total}",
    ),
    "no-votes": ("Belum ada suara sah", "There are no valid votes yet"),
    "nobody-stands": ("Tidak ada calon yang masih ikut", "No candidate stands any more"),
    "tie": ("Sama banyak, {top} suara: nomor urut {leaders}", "A tie at {top} votes: numbers {leaders}"),
    "lead": (
        "Suara terbanyak{so_far}: nomor urut {leaders}; {top} - {next} = {margin} lebih banyak dari nomor urut {second}",
        "Most votes{so_far}: number {leaders}; {top} - {next} = {margin} more than number {second}",
    ),
    "alone": ("Hanya nomor urut {leaders} yang masih ikut: {top} suara", "Number {leaders} alone stands: {top} votes"),
    "over-half": (
        "Lebih dari setengah suara sah: 2 {times} {top} = {twice}, lebih dari {valid}",
        "More than half of the valid votes: 2 {times} {top} = {twice}, more than {valid}",
    ),
    "not-over-half": (
        "Tidak lebih dari setengah suara sah: 2 {times} {top} = {twice}, tidak lebih dari {valid}",
        "Not more than half of the valid votes: 2 {times} {top} = {twice}, not more than {valid}",
    ),
    "second-round": ("Putaran kedua antara nomor urut {through}", "A second round between numbers {through}"),
    "second-round-tie": (
        "Putaran kedua; siapa yang ikut belum pasti karena sama banyak: nomor urut {through}",
        "A second round; who takes part is tied: numbers {through}",
    ),
    "court": (
        "Ambang MK (UU 10/2016 pasal 158, penduduk {population}): {left}, {word} {right}",
        "The court's margin (UU 10/2016 art. 158, population {population}): {left}, {word} {right}",
    ),
    "within": ("tidak lebih dari", "not more than"),
    "beyond": ("lebih dari", "more than"),
    "unknown-population": (
        "Ambang MK tidak dihitung: jumlah penduduk tidak disebut",
        "The court's margin is not evaluated: the population is not said",
    ),
    "unknown-level": (
        "Ambang MK tidak dihitung: tidak ada aturannya untuk tingkat ini",
        "The court's margin is not evaluated: the law has none for this level",
    ),
    "unknown-votes": (
        "Ambang MK tidak dihitung: belum ada selisih suara",
        "The court's margin is not evaluated: there is no margin yet",
    ),
    "gap": ("TPS {kind}: {stations} ({voters} pemilih terdaftar)", "Stations {kind}: {stations} ({voters} registered voters)"),
    "gap-unlisted": (
        "TPS {kind}: {stations} ({voters} pemilih terdaftar; {unlisted} TPS tanpa daftar pemilih)",
        "Stations {kind}: {stations} ({voters} registered voters; {unlisted} without a known list)",
    ),
    "can": (
        "Suara yang belum masuk dapat mengubah urutan: perlu {needed}, pemilih terdaftar di sana {voters}",
        "What is not in could change the order: {needed} votes would do, {voters} voters are registered there",
    ),
    "cannot": (
        "Pemilih terdaftar di TPS itu, {voters}, tidak dapat mengubah urutan: perlu {needed}",
        "The {voters} voters registered there could not change the order: it would take {needed} votes",
    ),
    "perhaps": (
        "Belum diketahui apakah urutan dapat berubah: ada TPS tanpa daftar pemilih (perlu {needed} suara)",
        "Whether the order could change is not known: some stations have no known list (it would take {needed} votes)",
    ),
    "paper": ("Berita acara menulis {paper} untuk nomor urut {number}", "The signed recap says {paper} for number {number}"),
}


def explain_result(result: Result, lang: Language) -> tuple[str, ...]:
    """The facts, one sentence each without a final stop, in the order in which people ask."""
    lines = [_say("final", lang, document=result.document) if result.final else _say("not-final", lang, **_numbers(result, lang))]
    lines += _candidate_lines(result, lang)
    lines += _outcome_lines(result, lang)
    lines.append(_court_line(result, lang))
    lines += _gap_lines(result, lang)
    for number, paper in result.paper:
        lines.append(_say("paper", lang, number=number, paper=grouped(paper, lang) if isinstance(paper, int) else paper or "-"))
    return tuple(lines)


def _say(key: str, lang: Language, **values: object) -> str:
    return said(_SENTENCES[key], lang).format(**values, times=_TIMES)


def _numbers(result: Result, lang: Language) -> dict[str, str]:
    return {"whole": grouped(result.whole, lang), "expected": grouped(result.expected, lang)}


def _share(votes: int, valid: int, lang: Language) -> str:
    """Per cent with two decimals, rounded half up, in whole numbers throughout."""
    hundredths = (20_000 * votes + valid) // (2 * valid)
    whole, rest = divmod(hundredths, 100)
    return f"{whole},{rest:02}" if lang == "id" else f"{whole}.{rest:02}"


def _candidate_lines(result: Result, lang: Language) -> list[str]:
    lines: list[str] = []
    for candidate in result.candidates:
        values = {"number": candidate.number, "name": candidate.name, "votes": grouped(candidate.votes, lang)}
        if candidate.out:
            lines.append(_say("out", lang, **values, out=said(OUT_WORDS[candidate.out], lang)))
        elif result.valid:
            lines.append(_say("candidate", lang, **values, share=_share(candidate.votes, result.valid, lang)))
        else:
            lines.append(_say("bare", lang, **values))
    terms = " + ".join(grouped(each.votes, lang) for each in result.candidates if not each.out)
    lines.append(_say("valid", lang, terms=terms or "0", valid=grouped(result.valid, lang)))
    if result.valid_on_forms is not None and result.valid_on_forms != result.valid + result.out_votes:
        difference = result.valid_on_forms - result.valid - result.out_votes
        lines.append(_say("forms", lang, forms=grouped(result.valid_on_forms, lang), difference=_signed(difference, lang)))
    if result.invalid_on_forms is not None:
        total = result.invalid_on_forms + result.out_votes
        values = {"invalid": grouped(result.invalid_on_forms, lang), "out": grouped(result.out_votes, lang)}
        lines.append(_say("invalid", lang, **values, total=grouped(total, lang)))
    return lines


def _signed(number: int, lang: Language) -> str:
    return ("+" if number > 0 else "") + grouped(number, lang)


def _listed(numbers: tuple[int, ...], lang: Language) -> str:
    *some, last = (str(number) for number in numbers)
    return f"{', '.join(some)}{said((' dan ', ' and '), lang)}{last}" if some else last


def _outcome_lines(result: Result, lang: Language) -> list[str]:
    if result.outcome in ("no-votes", "nobody-stands"):
        return [_say(result.outcome, lang)]
    top = result.votes(result.leaders[0])
    values = {"top": grouped(top, lang), "leaders": _listed(result.leaders, lang)}
    lines: list[str] = []
    if len(result.leaders) > 1:
        lines.append(_say("tie", lang, **values))
    elif result.second:
        so_far = "" if result.final else said((" sementara", " so far"), lang)
        second = {"next": grouped(top - result.margin, lang), "margin": grouped(result.margin, lang)}
        lines.append(_say("lead", lang, **values, **second, second=_listed(result.second, lang), so_far=so_far))
    else:
        lines.append(_say("alone", lang, **values))
    if result.rule != "plurality":
        of = next(each.votes for each in result.candidates if not each.empty_box and not each.out)
        of = of if result.rule == "empty-box" else top
        key = "over-half" if result.outcome == "over-half" else "not-over-half"
        half = {"top": grouped(of, lang), "twice": grouped(2 * of, lang), "valid": grouped(result.valid, lang)}
        lines.append(_say(key, lang, **half))
    if result.outcome == "second-round":
        through = (*result.leaders, *result.second)
        lines.append(_say("second-round" if len(through) == 2 else "second-round-tie", lang, through=_listed(through, lang)))
    return lines


def _court_line(result: Result, lang: Language) -> str:
    court = result.court
    if court.unknown:
        return _say(f"unknown-{court.unknown}", lang)
    return _say(
        "court",
        lang,
        population=grouped(court.population, lang),
        left=_product(1000, result.margin, lang),
        word=said(_SENTENCES["within" if court.within else "beyond"], lang),
        right=_product(court.per_mille, result.valid, lang),
    )


def _product(left: int, right: int, lang: Language) -> str:
    return f"{grouped(left, lang)} {_TIMES} {grouped(right, lang)} = {grouped(left * right, lang)}"


def _gap_lines(result: Result, lang: Language) -> list[str]:
    lines = [_gap_line(gap, lang) for gap in result.gaps]
    if result.gaps and result.needed:
        voters = sum(gap.voters for gap in result.gaps)
        key = {True: "can", False: "cannot", None: "perhaps"}[result.can_change]
        lines.append(_say(key, lang, needed=grouped(result.needed, lang), voters=grouped(voters, lang)))
    return lines


def _gap_line(gap: Gap, lang: Language) -> str:
    return _say(
        "gap-unlisted" if gap.unlisted else "gap",
        lang,
        stations=grouped(len(gap.stations), lang),
        kind=said(GAP_WORDS[gap.kind], lang),
        voters=grouped(gap.voters, lang),
        unlisted=grouped(gap.unlisted, lang),
    )
