# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures for the documentation: lines, bars and words as SVG."""

GREEN, ORANGE, GREY, INK, PALE = "#2f7d4f", "#c56a1d", "#8a8f98", "#1f2430", "#e3e6ea"


class Svg:
    """Lines, bars and words, escaped."""

    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'role="img" font-family="sans-serif" font-size="13">',
            f"<title>{self.escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="white"/>']

    @staticmethod
    def escape(text):
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def text(self, x, y, words, anchor="start", fill=INK, size=13, weight="normal",
             turn=0):
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}"{turned} text-anchor="{anchor}" fill="{fill}" '
            f'font-size="{size}" font-weight="{weight}">{self.escape(words)}</text>')

    def bar(self, x, y, width, height, fill):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
                          f'height="{height:.1f}" fill="{fill}"/>')

    def line(self, x1, y1, x2, y2, stroke, width=1.0):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{stroke}" stroke-width="{width}"/>')

    def finish(self):
        return "\n".join(self.parts + ["</svg>", ""])
