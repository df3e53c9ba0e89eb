"""Which edit replaces what: the record that the stand-ins know it from is that of the providers' own sources."""

import importlib.util
import inspect
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi_azure_native import containerservice

from components.clouds.aks import arguments as aks
from components.clouds.gke import arguments as gke
from multiarch.model.providers.kinds import KindProvider
from multiarch.model.providers.registry import providers, record_of
from multiarch.model.providers.replaced import changes
from tests.providers_truth.extract import MissingSourceError, aws, google, kubernetes
from tests.providers_truth.go_schema import attributes

AGENT_POOL = "azure-native:containerservice:AgentPool"
NODE_POOL = "gcp:container/nodePool:NodePool"
SOURCES = "MULTIARCH_PROVIDER_SOURCES"


def test_every_kind_of_every_stand_in_was_looked_up() -> None:
    known = [made for make in providers().values() if isinstance(made := make(), KindProvider)]
    assert known
    for provider in known:
        for token in provider.kinds:
            assert changes(provider.record, token).source, token


def test_an_aks_pool_has_another_name_for_whatever_replaces_it_and_is_replaced_for_what_aks_refuses() -> None:
    known = changes(record_of(AGENT_POOL), AGENT_POOL)
    assert set(aks.REPLACES) == (known.replaces | known.refused) - {
        "agentPoolName",
        "resourceGroupName",
        "resourceName",
    }


def test_a_gke_pool_has_another_name_for_whatever_replaces_it() -> None:
    """But for its place, its name, and what Pulumi is told to ignore: another name would replace the pool for that.

    Its architecture counts too, which is ours: no input of the provider's (tests/unit/node_pools/test_args.py).
    """
    known = changes(record_of(NODE_POOL), NODE_POOL)
    place = {"cluster", "location", "name", "namePrefix", "project"}
    assert set(gke.REPLACES) == known.replaces - place - set(gke.IGNORE_CHANGES)
    assert set(gke.REPLACES_FOR_BLOCK) == known.replaces_when_added_or_removed - {"nodeConfig"}


def test_what_azures_sdk_calls_unchangeable_is_refused() -> None:
    source = inspect.getsource(containerservice.AgentPool)
    described = set(re.findall(r":param .*? (\w+): [^\n]*May not be changed after creation", source))
    assert described == {"os_disk_type"}
    assert "osDiskType" in changes(record_of(AGENT_POOL), AGENT_POOL).refused


@pytest.mark.parametrize("part", [google, kubernetes, aws])
def test_the_record_is_what_the_sources_say(part: Callable[[Path], dict[str, Any]]) -> None:
    given = os.environ.get(SOURCES)
    if part is not aws and given is None:
        pytest.skip(f"{SOURCES} names no folder with the providers' sources: tests/providers_truth/extract.py")
    if part is aws and importlib.util.find_spec("botocore") is None:
        pytest.skip("botocore is not installed")
    try:
        found = part(Path(given or "."))
    except MissingSourceError as missing:
        pytest.skip(str(missing))
    for token, section in found.items():
        record = json.loads(record_of(token).read_text(encoding="utf-8"))
        for key in section.keys() - {"source"}:
            assert section[key] == record[token][key], f"{token} {key}: python -m tests.providers_truth.extract"


GO = """
func Thing() *schema.Resource {
	return &schema.Resource{
		Schema: map[string]*schema.Schema{
			names.AttrClusterName: {Type: schema.TypeString, ForceNew: true},
			// "gone": {ForceNew: true},
			"block": {
				Type:     schema.TypeList,
				ForceNew: true,
				Elem: &schema.Resource{Schema: map[string]*schema.Schema{
					"kept": {Type: schema.TypeString, Description: `ForceNew: true }`},
					"made": schemaMade(),
				}},
			},
		},
	}
}

func schemaMade() *schema.Schema {
	return &schema.Schema{ForceNew: true}
}
"""


def test_a_blocks_own_force_new_is_not_that_of_what_is_in_it() -> None:
    found = {
        path: item.forces_new for key, one in attributes({"a.go": GO}, "Thing").items() for path, item in one.paths(key)
    }
    assert found == {"cluster_name": True, "block": True, "block.kept": False, "block.made": True}
