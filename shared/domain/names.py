"""Names of persons, as far as the public may see them."""

from __future__ import annotations

#: Family names of two characters; all others have one.
_TWO_CHARACTERS = """
欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶
太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良
漆雕 乐正 宰父 谷梁 拓跋 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 梁丘 左丘 西门 第五
"""
_LONG_FAMILY_NAMES = frozenset(_TWO_CHARACTERS.split())


def mask(name: str) -> str:
    """What the public may see of a name: `陈*`, `欧阳*`, `C*`; empty for an empty name."""
    name = name.strip()
    if not name:
        return ""
    return name[: 2 if len(name) > 2 and name[:2] in _LONG_FAMILY_NAMES else 1] + "*"
