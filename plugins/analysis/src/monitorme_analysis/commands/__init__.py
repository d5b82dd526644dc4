"""`monitorme analysis …`: what the rules say of recordings and of recorded history."""

import click

from monitorme_analysis.commands.beats import beats
from monitorme_analysis.commands.ecg import ecg
from monitorme_analysis.commands.enter import enter
from monitorme_analysis.commands.limits import limits
from monitorme_analysis.commands.news2 import news2
from monitorme_analysis.commands.replay import replay
from monitorme_analysis.commands.respiration import respiration
from monitorme_analysis.commands.scores import scores


@click.group()
def analysis() -> None:
    """Ask the rules, and set what they judge by: recordings, history, limits, what if."""


analysis.add_command(beats)
analysis.add_command(ecg)
analysis.add_command(enter)
analysis.add_command(limits)
analysis.add_command(news2)
analysis.add_command(replay)
analysis.add_command(respiration)
analysis.add_command(scores)
