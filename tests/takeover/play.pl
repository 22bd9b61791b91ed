# Plays a desk's life in Request Tracker: steps as JSON lines on stdin, each through RT's own mail gate or API.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use JSON;
use RT -init;
use RT::Interface::Email;

my $system = RT->SystemUser;

sub done {
    my ($id, $message) = @_;
    die(($message || 'it cannot be done') . "\n") unless $id;
    return $id;
}

sub ticket {
    my ($number) = @_;
    my $ivan = RT::CurrentUser->new;
    $ivan->Load('ivan');
    my $ticket = RT::Ticket->new($ivan);
    $ticket->Load($number);
    return $ticket;
}

my %play = (
    queue => sub {
        my $queue = RT::Queue->new($system);
        $queue->Load($_[0]{name});
        done($queue->Create(Name => $_[0]{name})) unless $queue->Id;
        $queue->SetCorrespondAddress($_[0]{address});
    },
    staff => sub {
        my $user = RT::User->new($system);
        done($user->Create(Name => $_[0]{name}, RealName => $_[0]{real}, EmailAddress => $_[0]{address}, Privileged => 1));
        done($user->PrincipalObj->GrantRight(Right => 'SuperUser', Object => RT->System));
    },
    everyone => sub {
        my $everyone = RT::Group->new($system);
        $everyone->LoadSystemInternalGroup('Everyone');
        done($everyone->PrincipalObj->GrantRight(Right => $_, Object => RT->System)) for @{ $_[0]{rights} };
    },
    mail => sub {
        my ($status, $error, $ticket) = RT::Interface::Email::Gateway(
            { queue => $_[0]{queue}, action => $_[0]{action} || 'correspond', message => $_[0]{mail} });
        die(($error || 'no ticket') . "\n") unless $status == 1 && $ticket && $ticket->Id;
        return $ticket->Id;
    },
    status => sub { done(ticket($_[0]{ticket})->SetStatus($_[0]{status})) },
    own    => sub { done(ticket($_[0]{ticket})->SetOwner('ivan', 'Force')) },
    merge  => sub { done(ticket($_[0]{ticket})->MergeInto($_[0]{into})) },
);

$| = 1;
while (my $line = <STDIN>) {
    my $step = decode_json($line);
    $step->{mail} = Encode::encode('UTF-8', $step->{mail}) if $step->{mail};
    my $found = $play{ $step->{do} }->($step);
    print encode_json({ result => "" . ($found // '') }), "\n";
}
