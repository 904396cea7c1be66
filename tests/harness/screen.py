"""What a terminal shows of what a program wrote: as text, or as a picture (SVG)."""
import re
from xml.sax.saxutils import escape

PART = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]")


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.at, self.style = [0, 0], ""
        self.cells = [self.blank() for _ in range(rows)]

    def blank(self):
        return [(" ", "")] * self.columns

    def feed(self, text):
        for part in PART.findall(text):
            row, column = self.at
            if part == "\x1b[H":
                self.at = [0, 0]
            elif move := re.fullmatch(r"\x1b\[(\d+);1H", part):
                self.at = [int(move[1]) - 1, 0]
            elif part in ("\x1b[K", "\x1b[J"):
                self.cells[row][column:] = self.blank()[column:]
                for other in range(row + 1, self.rows if part[-1] == "J" else 0):
                    self.cells[other] = self.blank()
            elif style := re.fullmatch(r"\x1b\[(\d*)m", part):
                self.style = {"7": "inverse", "1": "bold"}.get(style[1], "")
            elif part == "\r":
                self.at[1] = 0
            elif part == "\n":
                assert row + 1 < self.rows, "the screen scrolls"
                self.at[0] += 1
            elif not part.startswith("\x1b"):
                assert column < self.columns, "the line wraps"
                self.cells[row][column] = (part, self.style)
                self.at[1] += 1
        return self

    def lines(self):
        return ["".join(cell for cell, _ in cells).rstrip() for cells in self.cells]

    def svg(self, title):
        """A picture, of no more rows than are in use."""
        width, height = 8.4, 18
        used = max((i for i, line in enumerate(self.lines()) if line), default=0) + 1
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.columns * width + 20:.0f}" '
                 f'height="{used * height + 20}" role="img"><title>{escape(title)}</title>',
                 '<rect width="100%" height="100%" rx="6" fill="#1e1e1e"/>',
                 '<g font-family="ui-monospace,DejaVu Sans Mono,Menlo,Consolas,monospace" '
                 'font-size="14" fill="#d4d4d4" xml:space="preserve">']
        for row, cells in enumerate(self.cells[:used]):
            column = 0
            while column < self.columns:
                style, end = cells[column][1], column
                while end < self.columns and cells[end][1] == style:
                    end += 1
                text = "".join(cell for cell, _ in cells[column:end])
                x, y = 10 + column * width, 10 + row * height
                if style == "inverse":
                    parts.append(f'<rect x="{x:.1f}" y="{y}" width="{(end - column) * width:.1f}" '
                                 f'height="{height}" fill="#d4d4d4"/>')
                extra = {"inverse": ' fill="#1e1e1e"', "bold": ' font-weight="bold"'}.get(style, "")
                if text.strip():
                    parts.append(f'<text x="{x:.1f}" y="{y + 14}" textLength='
                                 f'"{len(text) * width:.1f}"{extra}>{escape(text)}</text>')
                column = end
        return "\n".join([*parts, "</g></svg>"]) + "\n"
