"""crun, with the bundles of runc."""
import re

from engines.engine import NO_COMMAND
from engines.runc import Runc


class Crun(Runc):
    name, programs = "crun", ("crun",)
    lacks = {"cp": NO_COMMAND, "stats": NO_COMMAND}

    def prepare(self):
        super().prepare()
        if [int(part) for part in re.findall(r"\d+", self.version())] < [1, 8, 7]:
            # See its pull request 1262.
            self.lacks = {**self.lacks, "resize": "this crun passes on the signal, not the size"}
