"""The basket is of the Director's shape, and says the same as the CheckCommand and templates.conf."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from check_mapi_connectivity.commandline import given, option_table
from check_mapi_connectivity.commandline import option as commandline_option
from generate import director, icinga2

from ..conftest import ROOT

BASKET = json.loads((ROOT / director.PATH).read_text())
SCHEMA = json.loads((ROOT / "tests/basket.schema.json").read_text())
TEMPLATES = (ROOT / "icinga-templates/icinga2/templates.conf").read_text()
COMMAND = BASKET["ExternalCommand"][icinga2.COMMAND]
FIELDS = {field["varname"]: field for field in BASKET["Datafield"].values()}


def test_the_basket_fits_its_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(BASKET)


def test_the_schema_refuses_what_the_director_cannot_read():
    # The Director 1.10 breaks off at a UUID.
    broken = {**COMMAND, "uuid": "11111111-2222-3333-4444-555555555555"}
    basket = {**BASKET, "ExternalCommand": {icinga2.COMMAND: broken}}
    with pytest.raises(jsonschema.ValidationError, match="uuid"):
        jsonschema.validate(basket, SCHEMA)


def test_arguments_are_those_of_the_check_command():
    expected = {argument.key: argument for argument in icinga2.arguments()}
    assert set(COMMAND["arguments"]) == set(expected)
    for key, found in COMMAND["arguments"].items():
        assert found["description"] == expected[key].description
        assert found.get("repeat_key", False) == expected[key].repeat_key
        assert expected[key].variable in json.dumps(found)


def test_fields_of_the_command_are_its_variables():
    assert len(FIELDS) == len(BASKET["Datafield"])
    numbers = [field["datafield_id"] for field in COMMAND["fields"]]
    used = [BASKET["Datafield"][str(number)]["varname"] for number in numbers]
    secrets = [icinga2.secret_variable(name) for name in given.ENVIRONMENT_SECRETS]
    assert used == [icinga2.variable(option.name) for option in icinga2.options()] + secrets
    captions = [field["caption"] for field in FIELDS.values()]
    assert len(set(captions)) == len(captions)


@pytest.mark.parametrize("option", icinga2.options(), ids=lambda option: option.name)
def test_the_type_of_a_field_fits_the_option(option):
    field = FIELDS[icinga2.variable(option.name)]
    kind = field["datatype"].rpartition("DataType")[2]
    assert field["description"] == option.help
    if option.name in director.WORDS:
        words = BASKET["DataList"][field["settings"]["datalist"]]["entries"]
        assert {word["entry_name"] for word in words} == set(director.WORDS[option.name])
        assert (field["settings"]["data_type"] == "array") == (
            option.shape == commandline_option.LIST
        )
    else:
        assert (kind == "Array") == (option.shape == commandline_option.LIST)
        assert (kind == "Boolean") == (option.shape == commandline_option.FLAG)


@pytest.mark.parametrize("name", director.WORDS)
def test_the_words_of_a_list_are_in_the_help(name):
    text = option_table.OPTIONS[name].help + option_table.OPTIONS[name].metavar
    assert all(word in text for word in director.WORDS[name])


def test_secrets_are_hidden_and_nothing_else():
    hidden = {n for n, field in FIELDS.items() if field["settings"].get("visibility") == "hidden"}
    assert hidden == {icinga2.secret_variable(name) for name in given.ENVIRONMENT_SECRETS}


def test_objects_refer_to_what_is_in_the_basket():
    for kind in ("ExternalCommand", "HostTemplate", "ServiceTemplate"):
        for name, found in BASKET[kind].items():
            assert found["object_name"] == name
            assert found.get("check_command", "dummy") in BASKET["ExternalCommand"]
            for used in found.get("fields", ()):
                assert str(used["datafield_id"]) in BASKET["Datafield"]
    for services in BASKET["ServiceSet"].values():
        for service in services["services"]:
            assert set(service["imports"]) <= set(BASKET["ServiceTemplate"])
    assert {field["category"] for field in FIELDS.values()} == set(BASKET["DatafieldCategory"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (director.MAILBOX_TEMPLATE, "mapi-mailbox"),
        (director.SIGN_IN_TEMPLATE, "mapi-sign-in"),
        (director.FED_TEMPLATE, "mapi-fed-mailbox"),
        (director.FEED_TEMPLATE, "mapi-feed"),
    ],
)
def test_both_ways_to_icinga_have_the_same_patience(ours, theirs):
    template = BASKET["ServiceTemplate"][ours]
    block = re.search(rf'^template Service "{theirs}" {{\n(.*?)^}}', TEMPLATES, re.M | re.S)[1]
    assert f"check_interval = {template['check_interval'] // 60}m" in block
    assert f"retry_interval = {template['retry_interval'] // 60}m" in block
    assert f"max_check_attempts = {template['max_check_attempts']}" in block
    if "mapi_state" in template["vars"]:
        assert f"mapi_state = {json.dumps(template['vars']['mapi_state'])}" in block.replace(
            "[ ", "["
        ).replace(" ]", "]")
