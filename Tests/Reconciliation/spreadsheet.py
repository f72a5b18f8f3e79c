#!/usr/bin/env python3
"""Holds what LibreOffice reads of a reconciliation's reports against the reports; see spreadsheet.sh."""

import csv
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

DUIZHANG = os.environ["DUIZHANG"]
REPORTS = ["reconciliation.csv", "difference-bridge.csv", "differences.csv"]
MODULES = ["智能客服", "kb", "=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "１２,3\"引号\""]
NUMBERS = {
    "licensor_quantity", "licensee_quantity", "licensor_amount", "licensee_amount", "quantity", "amount", "difference",
    "amount_difference", "difference_pct", "tolerance_pct", "step"}
# A comma, quotes, UTF-8, from the first row on; special numbers are told, formulas are taken for such.
FILTER = "CSV:44,34,76,1,,1033,false,true,false,false,false,-1,true"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
CONTRACT = """contract: DZ-1
licensor: {name: 乙方}
licensee: {name: 甲方, keys: [acme]}
time_zone: Asia/Shanghai
term: {signed: 2025-11-20, from: 2025-12-01, to: 2026-11-30}
prices:
  - {service: 客服, module: 智能客服, unit: conversation, price: "0.35", enabled: true}
  - {service: 知识库, module: kb, unit: conversation, price: "0.02", enabled: true}
settlement: {tolerance: "0.5%"}
"""


def detail(path, numbers):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["module", "user", "conversation", "started_at", "ended_at"])
        for number in numbers:
            minute = f"2025-12-03T{8 + number // 60:02}:{number % 60:02}"
            writer.writerow([
                MODULES[number % len(MODULES)], f"=用户{number % 9}", f"{number:08}", f"{minute}:00+08:00",
                f"{minute}:30+08:00"])


def reports(folder, *options):
    """Makes the reports, and the same as LibreOffice stores what it reads of them."""
    run = subprocess.run(
        [DUIZHANG, "reconcile", "--licensor", "licensor.csv", "--licensee", "licensee.csv", "--contract",
         "contract.yaml", "--out", folder, "--quiet", *options], stderr=subprocess.PIPE, text=True)
    if run.returncode > 1:
        sys.exit(f"reconcile ended with status {run.returncode}: {run.stderr}")
    convert(folder, REPORTS)


def convert(folder, names):
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{os.getcwd()}/profile", "--headless", "--convert-to", "fods",
         "--infilter=" + FILTER, "--outdir", folder + "-sheets"]
        + [f"{folder}/{name}" for name in names],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)


def sheet(path):
    """Rows of (type, text, formula) of a flat OpenDocument spreadsheet."""
    rows = []
    for row in ElementTree.parse(path).getroot().iter(TABLE + "table-row"):
        cells = []
        for cell in row.findall(TABLE + "table-cell"):
            text = "\n".join("".join(part.itertext()) for part in cell.findall(TEXT + "p"))
            value = cell.get(OFFICE + "value", text)
            entry = (cell.get(OFFICE + "value-type"), value, cell.get(TABLE + "formula"), text)
            cells += [entry] * int(cell.get(TABLE + "number-columns-repeated", "1"))
        while cells and cells[-1][0] is None:
            cells.pop()
        if cells:
            rows += [cells] * int(row.get(TABLE + "number-rows-repeated", "1"))
    return rows


def is_number(text):
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is not None


def check(name, folder, columns):
    """What is wrong with a report's sheet."""
    with open(f"{folder}/{name}", newline="", encoding="utf-8-sig") as file:
        written = list(csv.reader(file))
    read = sheet(f"{folder}-sheets/{name[:-4]}.fods")
    wrong = []
    if len(written) != len(read):
        wrong.append(f"{len(written)} rows were written, {len(read)} are read")
    numbers = 0
    for index, (row, cells) in enumerate(zip(written, read), start=1):
        cells = cells + [(None, "", None, "")] * (len(row) - len(cells))
        for column, text, (kind, value, formula, shown) in zip(columns, row, cells):
            place = f"row {index}, {column}"
            if formula is not None:
                wrong.append(f"{place}: a formula: {formula}")
            if index > 1 and column in NUMBERS and text:
                numbers += 1
                if kind not in ("float", "percentage") or float(value) != float(text):
                    wrong.append(f"{place}: {text!r} became {kind} {value!r}")
            elif kind == "string" and shown != text:
                wrong.append(f"{place}: {text!r} became {shown!r}")
            elif kind in ("error", None) and text:
                wrong.append(f"{place}: {text!r} became {kind}")
    if numbers == 0:
        wrong.append("no number was looked at")
    return len(written), numbers, wrong


def main():
    os.chdir(sys.argv[1])
    with open("contract.yaml", "w") as file:
        file.write(CONTRACT)
    detail("licensor.csv", range(0, 420))
    detail("licensee.csv", range(35, 450))
    reports("plain")
    reports("zh", "--headers", "zh", "--bom")
    # What is not neutralised has to be a formula, so that none among the reports' cells says something.
    os.makedirs("control", exist_ok=True)
    with open("control/control.csv", "w") as file:
        file.write("合同,=1+1\n")
    convert("control", ["control.csv"])
    failed = not any(cell[2] for cell in sheet("control-sheets/control.fods")[0])
    if failed:
        print("control: =1+1 did not become a formula")
    for name in REPORTS:
        with open(f"plain/{name}", newline="", encoding="utf-8") as file:
            columns = next(csv.reader(file))
        for folder in ["plain", "zh"]:
            rows, numbers, wrong = check(name, folder, columns)
            print(f"{folder}/{name}: {rows} rows, {numbers} numbers, {len(wrong)} wrong")
            for text in wrong[:10]:
                print("  " + text)
            failed = failed or bool(wrong)
        header = [cell[3] for cell in sheet(f"zh-sheets/{name[:-4]}.fods")[0]]
        if header[:3] != ["合同", "账期", "模块"]:
            print(f"zh/{name}: the header became {header[:3]}")
            failed = True
    if failed:
        sys.exit(1)
    print("LibreOffice reads all reports as they were written, and runs nothing")


if __name__ == "__main__":
    main()
