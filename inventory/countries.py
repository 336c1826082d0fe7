"""Countries of ISO 3166-1, and which of them form the European Economic Area."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


COUNTRIES = _codes(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
    UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """
)

EUROPEAN_UNION = _codes("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE")

EUROPEAN_ECONOMIC_AREA = EUROPEAN_UNION | {"IS", "LI", "NO"}

FRENCH_OUTERMOST = _codes("GF GP MF MQ RE YT")
"""Regions with letters of their own although they are France and the Union (TFEU article 349)."""

OFTEN_MISTAKEN = {"UK": "GB", "EL": "GR", "EU": "the country itself, the Union is not one"}


def is_in_eea(country: str) -> bool:
    """Tell whether what stands in *country* stands in the European Economic Area."""
    return country in EUROPEAN_ECONOMIC_AREA or country in FRENCH_OUTERMOST
