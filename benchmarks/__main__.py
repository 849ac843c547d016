"""``python -m benchmarks [name ...]``: run benchmarks and print what they measured."""

import argparse
import importlib
import pkgutil

import benchmarks


def main():
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
    names.remove("__main__")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(names)}")
    chosen = parser.parse_args().names or names
    unknown = [name for name in chosen if name not in names]
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(names)}")
    for name in chosen:
        print_table(name, importlib.import_module(f"benchmarks.{name}").measure())


def print_table(name, rows):
    print(f"\n{name:48} {'measured':>14} {'budget':>14}")
    for row in rows:
        sign = ">=" if row.at_least else "<="
        measured = f"{row.value:.2f} {row.unit}"
        budget = f"{sign} {row.budget:g} {row.unit}"
        verdict = "" if row.kept else "  MISSED"
        print(f"{row.what:48} {measured:>14} {budget:>14}  {row.detail}{verdict}", flush=True)


if __name__ == "__main__":
    main()
