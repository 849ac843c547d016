"""What a notebook shows of a cell that fails."""


def shown(shell, code, capsys):
    """Run code that fails, and return what is printed."""
    result = shell.run_cell(code)
    assert not result.success
    return capsys.readouterr().out
