"""Rules across objects: each a small function from a located region to its problems.

A rule stays silent about what it cannot see: a reference to something that does not exist is told once, by
`references_resolve`, and what stands in a broken file is told by that file's own problems.  No rule asks what day
it is; those that need one are given it.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from inventory.environment import Environment
from inventory.located import LocatedRegion, Placed
from inventory.models import Region
from inventory.problems import Problem
from inventory.rules import (
    address_plan,
    addresses,
    backups,
    compliance,
    continuity,
    ends,
    environment,
    flows,
    health_data,
    links,
    names,
    pairs,
    profiles,
    providers,
    records,
    references,
    registers,
    storage,
    tunnels,
    uniqueness,
    vlans,
)

Rule: TypeAlias = Callable[[LocatedRegion], Iterable[Problem]]
EnvironmentRule: TypeAlias = Callable[[Placed[Environment], Region | None], Iterable[Problem]]

PLAN_RULES: tuple[Rule, ...] = (
    addresses.address_space_is_disjoint,
    addresses.segments_are_inside_and_disjoint,
    address_plan.supernets_are_inside_and_disjoint,
    address_plan.networks_come_from_their_sites_supernets,
    address_plan.nothing_is_allocated_twice,
    vlans.vlan_ranges_go_up,
    vlans.vlans_come_from_their_sites_ranges,
    vlans.vlans_are_segments,
)
"""What must hold before anything is allocated: the plan itself, whatever else the files lack."""

RULES: tuple[Rule, ...] = (
    references.references_resolve,
    ends.flow_ends_exist,
    ends.group_members_exist,
    ends.no_group_is_everybody,
    references.backups_name_own_volumes,
    uniqueness.identifiers_are_unique,
    uniqueness.lists_hold_nothing_twice,
    uniqueness.register_numbers_are_unique,
    names.generated_names_fit,
    names.generated_names_are_unique,
    registers.establishments_stand_in_their_department,
    registers.finess_is_no_siren,
    *PLAN_RULES,
    addresses.interfaces_fit_their_segments,
    addresses.host_addresses_are_unique,
    vlans.tunnels_have_no_vlan,
    vlans.vlans_are_on_trunks,
    addresses.tunnels_alone_belong_to_establishments,
    addresses.tiers_have_segments_of_their_kind,
    address_plan.only_tunnels_lead_to_others,
    address_plan.purposes_are_the_platforms,
    address_plan.internal_ranges_are_not_everything,
    address_plan.colliding_ranges_are_translated,
    storage.hosts_and_stores_stand_in_datacentres,
    storage.storage_stays_in_the_eea,
    storage.tiers_run_on_application_hosts,
    storage.volumes_have_room,
    storage.mount_points_are_apart,
    backups.locks_end_with_the_retention,
    backups.backups_keep_to_their_class,
    providers.stores_can_be_set_up,
    providers.stores_stand_where_their_offer_is,
    providers.stores_have_what_is_asked_of_them,
    records.hosted_health_data_leaves_records,
    records.logs_are_kept_as_long_as_is_recommended,
    backups.second_copies_are_elsewhere,
    backups.databases_lie_on_backed_up_volumes,
    backups.a_host_has_databases_of_one_application,
    continuity.dependencies_have_no_cycle,
    continuity.dependencies_are_as_continuous,
    flows.flows_are_their_own_applications,
    flows.flows_have_not_expired,
    flows.health_data_is_not_sent_in_clear,
    tunnels.tunnels_end_in_segments_of_theirs,
    tunnels.gateways_can_end_tunnels,
    tunnels.ends_of_tunnels_are_told_apart,
    tunnels.tunnels_are_of_one_kind,
    tunnels.wireguard_is_told_apart,
    tunnels.accepted_risks_end,
    tunnels.accepted_risks_are_in_force,
    pairs.pairs_are_two_gateways,
    pairs.pairs_hear_each_other,
    pairs.shared_addresses_fit,
    pairs.segments_of_pairs_have_addresses,
    pairs.tunnels_of_two_gateways_have_a_way_back,
    profiles.access_points_only_send,
    profiles.access_points_have_few_flows,
    profiles.imaging_goes_through_the_hub,
    links.links_carry_what_they_guarantee,
    links.services_have_the_links_they_need,
    health_data.health_data_is_not_called_less,
    health_data.health_data_has_an_owner,
    health_data.health_data_has_an_incident_contact,
    health_data.health_data_has_a_backup,
    health_data.activities_are_declared,
    health_data.activities_are_certified,
    health_data.certificate_is_valid,
    compliance.controls_exist,
    compliance.controls_stand_once,
    compliance.only_what_may_be_excluded_is,
    compliance.reviews_were_made,
    compliance.waivers_are_of_their_control,
    compliance.waivers_take_two,
    compliance.waivers_end,
)

ENVIRONMENT_RULES: tuple[EnvironmentRule, ...] = (
    environment.hosts_are_those_of_the_region,
    environment.stores_are_those_of_the_region,
    environment.authorities_exist,
    environment.sources_are_narrow,
    environment.hosts_are_told_apart,
)
