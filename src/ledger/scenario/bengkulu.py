"""Kota Bengkulu, Pilkada of 27 November 2024: what was published, typed in.  Facts; nothing here is synthetic.

What was *not* published, or not found, is not here: results of single stations, users of the right to vote, invalid votes, the
number of stations of each village.  ``split`` invents those and says so.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "CITY_CODE",
    "CITY_NAME",
    "CITY_REGISTERED",
    "CITY_STATIONS",
    "CONTESTS",
    "DISTRICTS",
    "PAIRS",
    "PROVINCE_CODE",
    "PROVINCE_NAME",
    "SPECIAL_STATIONS",
    "TURNOUT_PER_10_000",
    "VOTING_DAY",
    "District",
    "Pair",
    "Village",
]


class Pair(NamedTuple):
    """A pair of candidates: ballot number, KPU's own id, both names."""

    number: int
    kpu_id: int
    name: str


class Village(NamedTuple):
    """A village (kelurahan): code of 10 digits, name, and its stations in February 2024, which were other and more stations."""

    code: str
    name: str
    stations_in_february: int


class District(NamedTuple):
    """A district (kecamatan): registered voters, stations, and the official votes of each pair in ballot order."""

    code: str
    name: str
    registered: int
    stations: int
    mayor: tuple[int, ...]
    governor: tuple[int, ...]
    villages: tuple[Village, ...]

    def votes(self, contest: str) -> tuple[int, ...]:
        """The official votes for "governor" or "mayor"."""
        return {"governor": self.governor, "mayor": self.mayor}[contest]


VOTING_DAY: Final = "2024-11-27"
PROVINCE_CODE: Final = "17"
PROVINCE_NAME: Final = "Bengkulu"
CITY_CODE: Final = "1771"
CITY_NAME: Final = "Kota Bengkulu"

# bengkulu.antaranews.com/amp/berita/370331: 275,513 voters, 511 regular stations and 5 at special locations.
CITY_REGISTERED: Final = 275_513
CITY_STATIONS: Final = 516
SPECIAL_STATIONS: Final = 5

# betv 54642: turnout in the city 72.19 per cent.
TURNOUT_PER_10_000: Final = 7_219

# razanfawwaz/pilkada-scrap, paslon/*.json; contests of province 17 and city 1771.
PAIRS: Final[dict[str, tuple[Pair, ...]]] = {
    "governor": (
        Pair(1, 1000015, "Helmi Hasan - Mian"),
        Pair(2, 1000016, "Rohidin Mersyah - Meriani"),
    ),
    "mayor": (
        Pair(1, 1000473, "Dani Hamdani - Sukatno"),
        Pair(2, 1000474, "Ariyono Gumay - Harialyyanto Nurcahyo Ardhi"),
        Pair(3, 1000475, "Dedy Ermansyah - Nuragiyanti Dewi Permatasari"),
        Pair(4, 1000476, "Benny Suharto - Farizal"),
        Pair(5, 1000477, "Dedy Wahyudi - Ronny Pebriyanto L. Tobing"),
    ),
}

CONTESTS: Final = tuple(PAIRS)


def _villages(district: str, rows: str) -> tuple[Village, ...]:
    """Villages from "1001 Pagar Dewa 58, ...": four digits after the district's six, name, stations in February 2024."""
    villages = []
    for row in rows.split(","):
        short, *name, stations = row.split()
        villages.append(Village(district + short, " ".join(name), int(stations)))
    return tuple(villages)


# Registered voters: antaranews 370331 and jpnn.  Stations and mayor's votes: razanfawwaz/pilkada-scrap, pkwkk/17/1771.json (100 per
# cent, 28 November 2024 00:00); their totals equal the recap announced on 4 December 2024 (antaranews 382913).  Governor's votes:
# pkwkp/17/1771.json (100 per cent, 27 November 2024 23:30).  Villages: naufalizza/audit-sirekap, data/BENGKULU.json (KPU codes,
# February 2024).
DISTRICTS: Final[tuple[District, ...]] = (
    District(
        "177101", "Selebar", 59_283, 105, (6_640, 7_060, 12_463, 2_279, 13_595), (22_948, 18_538),
        _villages("177101", "1001 Pagar Dewa 58, 1002 Sukarami 33, 1003 Pekan Sabtu 25, 1004 Bumi Ayu 30,"
                            "1005 Betungan 37, 1006 Sumur Dewa 25"),
    ),
    District(
        "177102", "Gading Cempaka", 28_307, 52, (3_919, 2_923, 5_017, 833, 7_181), (10_944, 8_291),
        _villages("177102", "1001 Padang Harapan 14, 1002 Jalan Gedang 16, 1021 Sidomulyo 32, 1024 Lingkar Barat 24,"
                            "1027 Cempaka Permai 16"),
    ),
    District(
        "177103", "Teluk Segara", 16_315, 36, (2_048, 1_523, 2_992, 571, 5_441), (6_955, 5_358),
        _villages("177103", "1001 Berkas 5, 1002 Pasar Baru 3, 1003 Jitra 3, 1004 Pasar Melintang 4, 1005 Kebun Roos 5,"
                            "1007 Tengah Padang 10, 1008 Bajak 7, 1010 Pondok Besi 5, 1011 Kebun Keling 4,"
                            "1013 Sumur Meleleh 3, 1014 Malabero 8, 1018 Pintu Batu 3, 1019 Kampung Bali 4"),
    ),
    District(
        "177104", "Muara Bangka Hulu", 37_748, 72, (5_797, 5_657, 5_575, 788, 8_645), (15_793, 10_315),
        _villages("177104", "1001 Kandang Limun 17, 1002 Bentiring 29, 1003 Pematang Gubernur 28, 1004 Rawa Makmur 19,"
                            "1005 Beringin Raya 6, 1006 Bentiring Permai 23, 1007 Rawa Makmur Permai 12"),
    ),
    District(
        "177105", "Kampung Melayu", 33_965, 63, (2_200, 2_845, 8_235, 745, 8_959), (13_421, 9_437),
        _villages("177105", "1001 Kandang 19, 1002 Kandang Mas 36, 1003 Teluk Sepang 10, 1004 Sumber Jaya 23,"
                            "1005 Padang Serai 23, 1006 Muara Dua 5"),
    ),
    District(
        "177106", "Ratu Agung", 36_934, 68, (6_019, 4_106, 6_118, 1_130, 8_212), (14_278, 10_490),
        _villages("177106", "1001 Kebun Tebeng 15, 1002 Tanah Patah 17, 1003 Nusa Indah 14, 1004 Kebun Beler 10,"
                            "1005 Kebun Kenanga 14, 1006 Sawah Lebar 23, 1007 Sawah Lebar Baru 25, 1008 Lempuing 14"),
    ),
    District(
        "177107", "Ratu Samban", 15_765, 31, (1_786, 1_771, 2_903, 578, 3_815), (6_440, 4_052),
        _villages("177107", "1001 Padang Jati 9, 1002 Kebun Dahri 5, 1003 Belakang Pondok 6, 1004 Penurunan 14,"
                            "1005 Anggut Bawah 2, 1006 Anggut Atas 6, 1007 Anggut Dalam 4, 1008 Kebun Geran 5,"
                            "1009 Pengantungan 8"),
    ),
    District(
        "177108", "Sungai Serut", 18_174, 34, (2_453, 2_069, 3_093, 375, 4_931), (7_647, 4_889),
        _villages("177108", "1001 Kampung Kelawi 6, 1002 Sukamerindu 15, 1003 Semarang 6, 1004 Tanjung Agung 3,"
                            "1005 Tanjung Jaya 4, 1006 Surabaya 27, 1007 Pasar Bengkulu 5"),
    ),
    District(
        "177109", "Singaran Pati", 29_022, 55, (3_552, 3_227, 3_981, 613, 8_200), (11_889, 7_283),
        _villages("177109", "1001 Panorama 35, 1002 Jembatan Kecil 9, 1003 Dusun Besar 19, 1004 Padang Nangka 18,"
                            "1005 Timur Indah 10, 1006 Lingkar Timur 13"),
    ),
)  # fmt: skip
