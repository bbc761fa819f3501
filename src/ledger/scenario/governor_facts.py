"""Facts: the governor's election in the province of Bengkulu, 27 November 2024, by district, as the commission's site showed it.

Source: razanfawwaz/pilkada-scrap, commit 481f1a674808 (28 November 2024, 12:25 WIB), pkwkp/17/*.json; names of districts as the
commission had them in 2024.  3,450 of 3,452 stations were in.  Official totals of the recapitulation of 7 December:
harianbengkuluekspress 23915, ikobengkulu 2994, harianrakyatbengkulu 26768, xcloud.id.  The table sums exactly to what the site
showed for each city and for the province; a test holds that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CITIES", "DISTRICTS", "LEBONG_OFFICIAL", "OFFICIAL", "PAIRS", "PROVINCE", "DistrictResult"]

PROVINCE: Final = ("17", "Provinsi Bengkulu")
PAIRS: Final = ("Helmi Hasan - Mian", "Rohidin Mersyah - Meriani")

OFFICIAL: Final = (616_469, 502_477)
"""The province's recapitulation, in ballot order."""
LEBONG_OFFICIAL: Final = (34_979, 33_056)
"""What the press has of Lebong's recapitulation; two of its stations were missing on the site."""


class DistrictResult(NamedTuple):
    """A district: stations in all and with a form in, and the votes of the two pairs."""

    code: str
    name: str
    stations: int
    reported: int
    votes: tuple[int, int]


CITIES: Final = {
    "1701": "Bengkulu Selatan",
    "1702": "Rejang Lebong",
    "1703": "Bengkulu Utara",
    "1704": "Kaur",
    "1705": "Seluma",
    "1706": "Muko Muko",
    "1707": "Lebong",
    "1708": "Kepahiang",
    "1709": "Bengkulu Tengah",
    "1771": "Kota Bengkulu",
}

_TABLE: Final = """
170101 26 26 4900 2395 Kedurang
170102 32 32 4905 5309 Seginim
170103 30 30 3065 4678 Pino
170104 33 33 3852 5990 Manna
170105 48 48 6551 10914 Kota Manna
170106 47 47 6873 6618 Pino Raya
170107 18 18 2867 2350 Kedurang Ilir
170108 25 25 2765 4532 Air Nipis
170109 19 19 2032 2986 Ulu Manna
170110 18 18 1446 2903 Bunga Mas
170111 34 34 4886 5521 Pasar Manna
170206 21 21 2264 3293 Kota Padang
170207 36 36 5858 4162 Padang Ulak Tanding
170208 23 23 4217 2473 Sindang Kelingi
170209 40 40 7465 5660 Curup
170210 23 23 4991 2768 Bermani Ulu
170211 53 53 11475 6973 Selupu Rejang
170216 33 33 6349 3643 Curup Utara
170217 37 37 7449 5479 Curup Timur
170218 35 35 6736 5467 Curup Selatan
170219 47 47 9150 6878 Curup Tengah
170220 18 18 2849 1404 Binduriang
170221 21 21 4635 1255 Sindang Beliti Ulu
170222 18 18 2926 2323 Sindang Dataran
170223 18 18 2096 2090 Sindang Beliti Ilir
170224 22 22 3833 2398 Bermani Ulu Raya
170301 9 9 964 1132 Enggano
170306 25 25 3843 3863 Kerkap
170307 61 61 8792 13321 Kota Arga Makmur
170308 26 26 6457 2641 Giri Mulya
170309 45 45 11522 6384 Padang Jaya
170310 22 22 2964 4750 Lais
170311 25 25 3894 4298 Batik Nau
170312 31 31 6696 4387 Ketahun
170313 18 18 2619 1783 Napal Putih
170314 36 36 7071 5189 Putri Hijau
170315 20 20 2101 3505 Air Besi
170316 16 16 2486 3352 Air Napal
170319 23 23 2965 3786 Hulu Palik
170320 13 13 744 3201 Air Padang
170321 22 22 4181 2932 Arma Jaya
170322 13 13 2654 2243 Tanjung Agung Palik
170323 23 23 4725 2641 Ulok Kupai
170324 47 47 11423 3766 Pinang Raya
170325 28 28 6032 2493 Marga Sakti Sebelat
170401 14 14 1767 1287 Kinal
170402 24 24 4166 4227 Tanjung Kemuning
170403 14 14 2176 2573 Kaur Utara
170404 10 10 1584 1554 Kaur Tengah
170405 29 29 5795 4458 Kaur Selatan
170406 36 36 4215 4574 Maje
170407 38 38 3990 5494 Nasal
170408 14 14 2168 1915 Semidang Gumay
170409 13 13 2298 2325 Kelam Tengah
170410 12 12 1967 1580 Luas
170411 17 17 1822 2084 Muara Sahung
170412 14 14 3015 1486 Tetap
170413 9 9 906 1260 Lungkang Kule
170414 9 9 1493 1084 Padang Guci Hilir
170415 17 17 2301 2666 Padang Guci Hulu
170501 54 54 11596 8469 Sukaraja
170502 16 16 3293 2915 Seluma
170503 22 22 3964 3620 Talo
170504 31 31 5409 3612 Semidang Alas
170505 48 48 8463 6416 Semidang Alas Maras
170506 38 38 8055 5794 Air Periukan
170507 25 25 3238 3780 Lubuk Sandi
170508 17 17 2643 3338 Seluma Barat
170509 18 18 3390 3297 Seluma Timur
170510 17 17 3158 2333 Seluma Utara
170511 22 22 4826 3404 Seluma Selatan
170512 21 21 3855 2722 Talo Kecil
170513 16 16 2026 1515 Ulu Talo
170514 29 29 5457 4418 Ilir Talo
170601 25 25 3607 3687 Lubuk Pinang
170602 29 29 5359 4275 Kota Mukomuko
170603 13 13 2956 1502 Teras Terunjam
170604 23 23 4348 2693 Pondok Suguh
170605 34 34 4546 4899 Ipuh
170606 17 17 2432 1320 Malin Deman
170607 22 22 5177 2654 Air Rami
170608 22 22 4276 2468 Teramang Jaya
170609 16 16 2770 3016 Selagan Raya
170610 39 39 7747 5437 Penarik
170611 22 22 3900 3412 Xiv Koto
170612 15 15 2171 1760 V Koto
170613 19 19 3765 2977 Air Majunto
170614 14 14 1697 1716 Air Dikit
170615 17 17 3727 1621 Sungai Rumbai
170701 29 29 5031 5055 Lebong Utara
170702 10 10 1787 1833 Lebong Atas
170703 19 19 3429 3674 Lebong Tengah
170704 23 23 5261 4109 Lebong Selatan
170705 9 9 1526 1474 Rimbo Pengadang
170706 11 11 2235 1955 Topos
170707 18 18 3008 3616 Bingin Kuning
170708 15 15 3265 2877 Lebong Sakti
170709 15 15 2502 2479 Tubei
170710 16 16 2882 2557 Amen
170711 9 9 2404 1416 Uram Jaya
170712 12 10 1517 1961 Pinang Belapis
170801 36 36 3503 4987 Bermani Ilir
170802 40 40 6278 6207 Ujan Mas
170803 27 27 3295 4935 Tebat Karai
170804 92 92 15026 11744 Kepahiang
170805 20 20 2815 3643 Merigi
170806 25 25 3578 4441 Kebawetan
170807 17 17 1930 2596 Seberang Musi
170808 27 27 4110 3065 Muara Kemumu
170901 22 22 4943 2691 Karang Tinggi
170902 21 21 4364 2831 Talang Empat
170903 46 46 9542 8288 Pondok Kelapa
170904 14 14 3155 1132 Pematang Tiga
170905 17 17 3338 1071 Pagar Jati
170906 20 20 4263 2278 Taba Penanjung
170907 15 15 3415 992 Merigi Kelindang
170908 16 16 2912 870 Merigi Sakti
170909 19 19 3560 2662 Pondok Kubang
170910 14 14 2915 1181 Bang Haji
170911 13 13 2142 1430 Semidang Lagan
177101 105 105 22948 18538 Selebar
177102 52 52 10944 8291 Gading Cempaka
177103 36 36 6955 5358 Teluk Segara
177104 72 72 15793 10315 Muara Bangka Hulu
177105 63 63 13421 9437 Kampung Melayu
177106 68 68 14278 10490 Ratu Agung
177107 31 31 6440 4052 Ratu Samban
177108 34 34 7647 4889 Sungai Serut
177109 55 55 11889 7283 Singaran Pati
"""

DISTRICTS: Final = tuple(
    DistrictResult(code, " ".join(name), int(stations), int(reported), (int(first), int(second)))
    for code, stations, reported, first, second, *name in (line.split() for line in _TABLE.strip().splitlines())
)
